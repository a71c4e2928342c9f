import { Constant } from '../../lib/graph/constant';
import { encodePlan } from '../../lib/plan/encode';
import type { Plan } from '../../lib/plan/plan';

/** Reads the encoding as docs/plan.md states it. */
class Reader {
  #at = 0;
  readonly #view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.#at;
  }

  u8 = (): number => this.#view.getUint8(this.#advance(1));
  u32 = (): number => this.#view.getUint32(this.#advance(4), true);
  i32 = (): number => this.#view.getInt32(this.#advance(4), true);
  i64 = (): number => Number(this.#view.getBigInt64(this.#advance(8), true));
  f32 = (): number => this.#view.getFloat32(this.#advance(4), true);
  f64 = (): number => this.#view.getFloat64(this.#advance(8), true);
  ascii = (size: number): string => String.fromCharCode(...this.#take(size));
  text = (): string => new TextDecoder().decode(this.#take(this.u32()));
  list = <T>(read: () => T): T[] => Array.from({ length: this.u32() }, read);

  param = (): [string, unknown] => {
    const key = this.text();
    const readers = [this.i64, this.f64, () => this.list(this.i64), () => this.list(this.f32), this.text];
    return [key, readers[this.u8()]!()];
  };

  #advance(size: number): number {
    this.#at += size;
    return this.#at - size;
  }

  #take(size: number): Uint8Array {
    const from = this.#advance(size);
    return this.bytes.subarray(from, from + size);
  }
}

function decode(bytes: Uint8Array): unknown {
  const reader = new Reader(bytes);
  const { i32, i64, f32, u8, text, list, param } = reader;
  const result = {
    magic: reader.ascii(4),
    version: reader.u32(),
    values: list(() => [text(), u8(), u8(), list(i64), list(f32), list(i32), i32(), i32()]),
    steps: list(() => [text(), text(), list(i32), list(i32), list(param), list(() => [text(), list(param)])]),
    inputs: list(i32),
    outputs: list(i32),
  };
  expect(reader.left).toBe(0);
  return result;
}

const PLAN: Plan = {
  values: [
    { name: 'x', dtype: 'float32', kind: 'input', dims: [1, 2 ** 33], quantization: undefined, constant: -1 },
    {
      name: 'wé',
      dtype: 'int8',
      kind: 'constant',
      dims: [2],
      quantization: { scale: Float32Array.of(0.5, 2), zeroPoint: Int32Array.of(0, -3), axis: 0 },
      constant: 0,
    },
    { name: '', dtype: 'uint8', kind: 'temporary', dims: [], quantization: undefined, constant: -1 },
  ],
  steps: [
    {
      kernel: 'k',
      name: 'step',
      sources: [0, 1, -1],
      destinations: [2],
      params: {
        a: { i64: -5 },
        b: { f64: 0.1 },
        c: { i64s: [1, -2] },
        d: { f32s: [0.25] },
        e: { text: 'ü' },
      },
      postOps: [
        { kind: 'sum', params: { source: { i64: 3 } } },
        { kind: 'eltwise', params: {} },
      ],
    },
  ],
  inputs: [0],
  outputs: [2],
  constants: [new Constant('int8', [2], new Uint8Array(2))],
};

test('the encoding is what docs/plan.md says', () => {
  expect(decode(encodePlan(PLAN))).toEqual({
    magic: 'C8PL',
    version: 1,
    values: [
      ['x', 1, 1, [1, 2 ** 33], [], [], -1, -1],
      ['wé', 3, 2, [2], [0.5, 2], [0, -3], 0, 0],
      ['', 2, 0, [], [], [], -1, -1],
    ],
    steps: [
      [
        'k',
        'step',
        [0, 1, -1],
        [2],
        [
          ['a', -5],
          ['b', 0.1],
          ['c', [1, -2]],
          ['d', [0.25]],
          ['e', 'ü'],
        ],
        [
          ['sum', [['source', 3]]],
          ['eltwise', []],
        ],
      ],
    ],
    inputs: [0],
    outputs: [2],
  });
});

test('a plan larger than the first buffer keeps every byte', () => {
  const values = Array.from({ length: 2000 }, (_, index) => ({ ...PLAN.values[0]!, name: `value ${index}` }));
  const decoded = decode(encodePlan({ ...PLAN, values })) as { values: [string][] };
  expect(decoded.values.map(([name]) => name)).toEqual(values.map(({ name }) => name));
});
