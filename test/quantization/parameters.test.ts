import fc from 'fast-check';
import {
  activationScale,
  asymmetricGrid,
  LEAST_SCALE,
  levelsOf,
  QUANTIZED_RANGE,
  realRange,
  storedRange,
  symmetricGrid,
  typeText,
  type ActivationType,
} from '../../lib/quantization/parameters';
import { roundHalfEven } from '../../lib/quantization/round';

const dtype = fc.constantFrom<ActivationType>('uint8', 'int8');
const bitCounts = fc.integer({ min: 2, max: 8 });

test('quantizing and back is off by at most half a step within the range', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-10, max: 1e10, noNaN: true }),
      fc.double({ min: -1, max: 1, noNaN: true }),
      dtype,
      bitCounts,
      (threshold, share, type, bits) => {
        const { scale } = symmetricGrid(threshold, type, bits);
        const x = (type === 'uint8' ? Math.abs(share) : share) * threshold;
        const [low, high] = storedRange({ dtype: type, bits });
        const level = Math.min(Math.max(roundHalfEven(x / scale), low), high);
        // float32 scale: a relative 2^-24 of the whole range on top.
        expect(Math.abs(x - level * scale)).toBeLessThanOrEqual(scale * (0.5 + levelsOf(type) * 2 ** -23));
      },
    ),
  );
});

test('a grid of fewer bits has their levels, and represents its threshold and nothing beyond', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-10, max: 1e10, noNaN: true }),
      dtype,
      fc.integer({ min: 2, max: 7 }),
      (threshold, type, bits) => {
        const grid = symmetricGrid(threshold, type, bits);
        const [least, greatest] = storedRange(grid);
        expect(greatest - least + 1).toBe(type === 'uint8' ? 2 ** bits : 2 ** bits - 1);
        const [low, high] = realRange(grid);
        expect(high / threshold).toBeCloseTo(1, 6);
        expect(low / threshold).toBeCloseTo(type === 'uint8' ? 0 : -1, 6);
        // What Clip leaves at its float32 bounds is the outermost level.
        expect(roundHalfEven(Math.fround(high) / grid.scale)).toBe(greatest);
      },
    ),
  );
  for (const type of ['uint8', 'int8'] as const)
    expect(storedRange(symmetricGrid(1, type))).toEqual(QUANTIZED_RANGE[type]);
});

test('a grid is called by its type, and by its bits where they are fewer', () => {
  expect(typeText(symmetricGrid(1, 'uint8'))).toBe('uint8');
  expect(typeText(symmetricGrid(1, 'int8', 5))).toBe('int8 (5 bits)');
});

test('scales are normal float32 numbers, whatever the threshold', () => {
  fc.assert(
    fc.property(fc.double({ min: Number.MIN_VALUE, max: 3e38, noNaN: true }), dtype, (threshold, type) => {
      const scale = activationScale(threshold, type);
      expect(scale).toBe(Math.fround(scale));
      expect(scale).toBeGreaterThanOrEqual(LEAST_SCALE);
    }),
  );
});

test('a symmetric grid has zero point 0', () => {
  expect(symmetricGrid(6, 'uint8')).toEqual({
    dtype: 'uint8',
    scale: Math.fround(6 / 255),
    zeroPoint: 0,
    bits: 8,
  });
});

test('an asymmetric grid represents zero exactly and all between its ends to half a step, but for the shift to a whole level', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1e5, noNaN: true }),
      fc.double({ min: 1e-5, max: 1e5, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.boolean(),
      bitCounts,
      (a, b, share, mirrored, bits) => {
        const [low, high] = mirrored ? [-b, a] : [-a, b];
        const { dtype: type, scale, zeroPoint } = asymmetricGrid(low, high, bits);
        expect(type).toBe('uint8');
        expect(Number.isInteger(zeroPoint)).toBe(true);
        const stored = (x: number): number =>
          Math.min(Math.max(roundHalfEven(x / scale) + zeroPoint, 0), 2 ** bits - 1);
        expect(stored(0)).toBe(zeroPoint);
        const x = low + share * (high - low);
        expect(Math.abs(x - (stored(x) - zeroPoint) * scale)).toBeLessThanOrEqual(1.001 * scale);
      },
    ),
  );
});

test.each([0, -1, NaN, Infinity, 1e300])('refuses the threshold %p', (threshold) => {
  expect(() => activationScale(threshold, 'int8')).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
  );
});

test.each([
  [0.5, 0],
  [1.5, 2],
  [2.5, 2],
  [-0.5, 0],
  [-1.5, -2],
  [-2.5, -2],
  [126.49, 126],
  [2 ** 30 + 0.5, 2 ** 30],
])('%p rounds to %p', (x, rounded) => {
  expect(roundHalfEven(x)).toBe(rounded);
});
