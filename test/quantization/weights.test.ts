import fc from 'fast-check';
import { Constant } from '../../lib/graph/constant';
import { channelAbsMax, quantizeWeights, weightScales } from '../../lib/quantization/weights';

const dims = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
const shaped = dims.chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    axis: fc.nat(shape.length - 1),
    values: fc.array(fc.float({ noNaN: true, min: -100, max: 100 }), {
      minLength: shape.reduce((a, b) => a * b),
      maxLength: shape.reduce((a, b) => a * b),
    }),
  }),
);

/** The channel of an element of a row-major tensor. */
function channelOf(index: number, shape: readonly number[], axis: number): number {
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  return Math.floor(index / inner) % shape[axis]!;
}

test('weights come back within half a step, per channel of any axis', () => {
  fc.assert(
    fc.property(shaped, ({ shape, axis, values }) => {
      const weights = Constant.float32(shape, values);
      const absMax = channelAbsMax(weights, axis, 'w');
      const scales = weightScales(absMax);
      const quantized = quantizeWeights(weights, axis, scales, 'w');
      expect(quantized.dtype).toBe('int8');
      expect(quantized.dims).toEqual(shape);
      const levels = quantized.toNumbers();
      values.forEach((value, index) => {
        const channel = channelOf(index, shape, axis);
        const scale = scales[channel]!;
        expect(Math.abs(value)).toBeLessThanOrEqual(absMax[channel]!);
        expect(Math.abs(levels[index]!)).toBeLessThanOrEqual(127);
        expect(Math.abs(value - levels[index]! * scale)).toBeLessThanOrEqual(scale * (0.5 + 1e-5));
      });
    }),
  );
});

test('the greatest weight of a channel becomes 127', () => {
  const weights = Constant.float32([2, 2], [0.3, -0.1, 5, -7]);
  const scales = weightScales(channelAbsMax(weights, 0, 'w'));
  expect(quantizeWeights(weights, 0, scales, 'w').toNumbers()).toEqual([127, -42, 91, -127]);
});

test('halves go to even, values beyond are clamped', () => {
  const weights = Constant.float32([5], [0.5, 1.5, -2.5, 1000, -1000]);
  const quantized = quantizeWeights(weights, 0, new Float32Array(5).fill(1), 'w');
  expect(quantized.toNumbers()).toEqual([0, 2, -2, 127, -127]);
});

test('an all-zero channel stays zero with scale 1, a tiny one keeps a normal scale', () => {
  const weights = Constant.float32([2, 2], [0, 0, 1e-42, -1e-42]);
  const scales = weightScales(channelAbsMax(weights, 0, 'w'));
  expect([...scales]).toEqual([1, 2 ** -63]);
  expect(quantizeWeights(weights, 0, scales, 'w').toNumbers()).toEqual([0, 0, 0, 0]);
});

test.each([NaN, Infinity, -Infinity])('%p is refused with the name of the tensor', (value) => {
  expect(() => channelAbsMax(Constant.float32([2, 2], [1, 2, value, 4]), 0, 'conv1.weight')).toThrow(
    expect.objectContaining({
      code: 'NON_FINITE_VALUE',
      message: expect.stringContaining(`"conv1.weight" but element 2 is ${value}`),
    }),
  );
});

test('an axis that is not there and weights that are no real numbers are refused', () => {
  expect(() => channelAbsMax(Constant.float32([2], [1, 2]), 1, 'w')).toThrow(
    expect.objectContaining({ code: 'INVALID_SHAPE' }),
  );
  expect(() => channelAbsMax(Constant.from('int32', [1], Int32Array.of(1)), 0, 'w')).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
  );
});
