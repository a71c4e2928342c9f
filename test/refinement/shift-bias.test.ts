import fc from 'fast-check';
import { quantizationOf } from '../../lib/ops/quantize';
import { shiftBias } from '../../lib/refinement/shift-bias';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { nodeNamed, pair } from './support';

interface Layer {
  weights: number[];
  bias: number[];
  /** Real per step, a channel each. */
  weightScale: Float32Array;
  biasSteps: number[];
}

/** A layer of 3 output channels with given weights and biases, quantized; shifts it and gives what is stored before and after. */
async function shifted(
  weights: readonly number[],
  bias: readonly number[],
  shifts: readonly number[],
  transposed = false,
): Promise<[before: Layer, after: Layer]> {
  const model = new ModelBuilder();
  const x = model.input('x', ['N', 4]);
  const rows = model.constant(weights, [3, 4]);
  // The same numbers with the channels along the other axis.
  const columns = model.constant(weights.map((_, i) => weights[(i % 3) * 4 + Math.floor(i / 3)]!), [4, 3]); // prettier-ignore
  const inputs = [x, transposed ? columns : rows, model.constant(bias, [3])];
  const y = model.node('Gemm', inputs, { transB: transposed ? 0 : 1 });
  const { quantized } = await pair(model.output(y, 'float32', ['N', 3]), 2);
  const node = nodeNamed(quantized, y.producer!.name);
  const read = (): Layer => {
    const [levels, scales] = [1, 2].map((input) => {
      const conversion = node.inputs[input]!.producer!;
      return [[...conversion.inputs[0]!.constant!.toNumbers()], quantizationOf(conversion).scale] as const;
    }) as [readonly [number[], Float32Array], readonly [number[], Float32Array]];
    const channel = (i: number): number => (transposed ? i % 3 : Math.floor(i / 4));
    return {
      weights: levels[0].map((level, i) => level * levels[1]![channel(i)]!),
      bias: scales[0].map((steps, c) => steps * scales[1][c]!),
      weightScale: levels[1],
      biasSteps: scales[0],
    };
  };
  const before = read();
  shiftBias(quantized, node, Float64Array.from(shifts));
  return [before, read()];
}

describe('shiftBias', () => {
  it('moves the real bias by the shift, within a step, and touches nothing else', async () => {
    const cases = fc.record({ seed: fc.integer(), transposed: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(cases, async ({ seed, transposed }) => {
        const random = new Random(seed);
        const shifts = [...random.floats(3, -3, 3)];
        const [before, after] = await shifted(
          [...random.floats(12)],
          [...random.floats(3)],
          shifts,
          transposed,
        );
        expect(after.weights).toEqual(before.weights);
        after.bias.forEach((value, c) => {
          const step = (before.weightScale[c]! * 2) / 127;
          expect(Math.abs(value - before.bias[c]! - shifts[c]!)).toBeLessThan(step);
        });
      }),
      { numRuns: 30 },
    );
  });

  it.each([false, true])(
    'coarsens weights that leave the bias no room (transposed: %j)',
    async (transposed) => {
      const weights = [1, -1, 0.5, 0, ...[1, -1, 0.5, 0].map((w) => w * 1e-6), 0, 0, 0, 0];
      const [before, after] = await shifted(weights, [0, 0, 0], [0.5, 0.5, 0.5], transposed);
      expect(after.weightScale[0]).toBe(before.weightScale[0]);
      expect(after.weightScale[1]).toBeGreaterThan(before.weightScale[1]!);
      after.bias.forEach((value) => expect(value).toBeCloseTo(0.5, 3));
      for (const steps of after.biasSteps) expect(Math.abs(steps)).toBeLessThanOrEqual(2 ** 30);
      after.weights.forEach((value, i) => {
        const channel = transposed ? i % 3 : Math.floor(i / 4);
        expect(Math.abs(value - before.weights[i]!)).toBeLessThanOrEqual(0.5 * after.weightScale[channel]!);
      });
    },
  );
});
