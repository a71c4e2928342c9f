import { Constant } from '../../lib/graph/constant';

describe('the elements of a constant', () => {
  const values = Float32Array.of(1, -2, 3.5);
  const raw = new Uint8Array(values.buffer);

  test.each([0, 1, 2, 3, 4])('from a Buffer and a Uint8Array, %i bytes into their memory', (offset) => {
    const padded = new Uint8Array(offset + raw.length);
    padded.set(raw, offset);
    for (const bytes of [padded.subarray(offset), Buffer.from(padded.buffer, offset, raw.length)]) {
      expect(new Constant('float32', [3], bytes).array).toEqual(values);
    }
  });

  test('are a view where the bytes are aligned, and one copy where not', () => {
    const view = new Constant('float32', [3], raw);
    expect(view.array.buffer).toBe(values.buffer);
    const padded = new Uint8Array(raw.length + 1);
    padded.set(raw, 1);
    const copied = new Constant('float32', [3], padded.subarray(1));
    expect(copied.array).toBe(copied.array);
  });

  test('half precision', () => {
    const halves = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00, 0xfc00, 0x7e00, 0x8000, 0x7bff);
    const numbers = Constant.from('float16', [8], halves).toNumbers();
    expect(numbers).toEqual([1, -2, 2 ** -24, Infinity, -Infinity, NaN, -0, 65504]);
  });

  test('int64 saturates', () => {
    expect([...Constant.int64([2], [2 ** 63, -(2 ** 64)]).array]).toEqual([2n ** 63n - 1n, -(2n ** 63n)]);
  });

  test('of a wrong count are refused', () => {
    expect(() => new Constant('float32', [4], raw)).toThrow(/Expected 16 bytes .* received 12/);
  });
});

describe('a scaled constant', () => {
  const numbers = Float32Array.from({ length: 2 * 3 * 5 }, (_, i) => Math.fround(Math.sin(i)));
  const factors = Float64Array.of(0.1, -3, 1e-3);
  const wanted = numbers.map((x, i) => x * factors[Math.floor(i / 5) % 3]!);

  test.each([0, 1])('holds products, rounded once, also of a base that begins at byte %p', (shift) => {
    const bytes = new Uint8Array(numbers.byteLength + shift).subarray(shift);
    bytes.set(new Uint8Array(numbers.buffer));
    const scaled = Constant.scaled(new Constant('float32', [2, 3, 5], bytes), 1, factors);
    expect(scaled.count).toBe(30);
    expect(scaled.toFloat32()).toEqual(wanted);
    expect(scaled.bytes).toEqual(new Uint8Array(wanted.buffer));
  });

  test('can be scaled again', () => {
    const base = Constant.scaled(Constant.float32([2, 3, 5], numbers), 1, factors);
    const twice = Constant.scaled(base, 0, Float64Array.of(2, 0.3));
    expect(twice.toFloat32()).toEqual(wanted.map((x, i) => x * (i < 15 ? 2 : 0.3)));
  });
});
