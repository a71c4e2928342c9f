import fc from 'fast-check';
import { Constant } from '../../lib/graph/constant';
import {
  channelAbsMax,
  leastErrorScales,
  quantizeWeights,
  weightScales,
} from '../../lib/quantization/weights';
import { calibrated, noise } from '../calibration/calibrated';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';

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

/** The squared error of each channel's weights. */
function errors(weights: Constant, axis: number, scales: Float32Array): number[] {
  const levels = quantizeWeights(weights, axis, scales, 'w').toNumbers();
  const sums: number[] = Array.from(scales, () => 0);
  weights.toNumbers().forEach((value, index) => {
    const channel = channelOf(index, weights.dims, axis);
    sums[channel]! += (value - levels[index]! * scales[channel]!) ** 2;
  });
  return sums;
}

test('scales of the least error never make more than those of the greatest weight, and never exceed them', () => {
  fc.assert(
    fc.property(shaped, ({ shape, axis, values }) => {
      const weights = Constant.float32(shape, values);
      const absMax = channelAbsMax(weights, axis, 'w');
      const [widest, least] = [weightScales(absMax), leastErrorScales(weights, axis, absMax, 'w')];
      const [before, after] = [errors(weights, axis, widest), errors(weights, axis, least)];
      least.forEach((scale, c) => {
        expect(scale).toBeLessThanOrEqual(widest[c]!);
        expect(scale).toBeGreaterThan(0);
        expect(after[c]!).toBeLessThanOrEqual(before[c]! * (1 + 1e-4) + 1e-12 * absMax[c]! ** 2);
      });
    }),
  );
});

test('scales of the least error are within 6 % of what a closer search finds, and give a lone great weight less than many others', () => {
  const random = new Random(7);
  const normal = (): number => Array.from({ length: 12 }, () => random.next()).reduce((a, b) => a + b, -6);
  const values = Float32Array.from({ length: 2 * 1000 }, normal);
  // All of the second channel are 1 or -1, which is no level of the scale that one greater weight asks for.
  for (let i = 1000; i < 2000; ++i) values[i] = Math.sign(values[i]!);
  values[1000] = 1.1;
  const weights = Constant.float32([2, 1000], values);
  const absMax = channelAbsMax(weights, 0, 'w');
  const widest = weightScales(absMax);
  const found = errors(weights, 0, leastErrorScales(weights, 0, absMax, 'w'));
  let closer = Infinity;
  for (let share = 1; share > 0.2; share -= 1 / 300)
    closer = Math.min(closer, errors(weights, 0, widest.map((scale) => scale * share))[0]!); // prettier-ignore
  expect(found[0]!).toBeLessThan(1.06 * closer);
  expect(found[1]!).toBeLessThan(0.9 * errors(weights, 0, widest)[1]!);
});

test('the option chooses: weightScales mse lowers the error of a saved network', async () => {
  const random = new Random(11);
  const values = Float32Array.from({ length: 8 * 512 }, () => (random.next() - 0.5) ** 5);
  const model = new ModelBuilder();
  const x = model.input('x', [1, 512, 2, 2]);
  model.output(model.node('Conv', [x, model.constant(values, [8, 512, 1, 1])]), 'float32', [1, 8, 2, 2]);
  const stored = async (weightScales?: 'mse'): Promise<number> => {
    const { graph } = await calibrated(model, noise(2, [1, 512, 2, 2]), weightScales ? { weightScales } : {});
    const [conv] = [...graph.nodes].filter(({ op }) => op === 'Conv');
    const [levels, scale] = conv!.inputs[1]!.producer!.inputs.map((value) => value!.constant!.toNumbers());
    expect(graph.metadata.get('calibr8.weight_scales')).toBe(weightScales ?? 'max');
    return levels!.reduce((sum, level, i) => sum + (level * scale![i >> 9]! - values[i]!) ** 2, 0);
  };
  expect(await stored('mse')).toBeLessThan(await stored());
});
