import fc from 'fast-check';
import {
  activationParameters,
  activationScale,
  LEAST_SCALE,
  LEVELS,
  QUANTIZED_RANGE,
  type ActivationType,
} from '../../lib/quantization/parameters';
import { roundHalfEven } from '../../lib/quantization/round';

const dtype = fc.constantFrom<ActivationType>('uint8', 'int8');

test('quantizing and back is off by at most half a step within the range', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-10, max: 1e10, noNaN: true }),
      fc.double({ min: -1, max: 1, noNaN: true }),
      dtype,
      (threshold, share, type) => {
        const scale = activationScale(threshold, type);
        const x = (type === 'uint8' ? Math.abs(share) : share) * threshold;
        const [low, high] = QUANTIZED_RANGE[type];
        const level = Math.min(Math.max(roundHalfEven(x / scale), low), high);
        // float32 scale: a relative 2^-24 of the whole range on top.
        expect(Math.abs(x - level * scale)).toBeLessThanOrEqual(scale * (0.5 + LEVELS[type] * 2 ** -23));
      },
    ),
  );
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

test('parameters are per tensor, symmetric', () => {
  const parameters = activationParameters(6, 'uint8');
  expect(parameters).toEqual({
    scale: Float32Array.of(6 / 255),
    zeroPoint: Int32Array.of(0),
    axis: -1,
  });
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
