import type { Graph } from '../../lib/graph/graph';
import { writeModel } from '../../lib/onnx';
import type { Tensor } from '../../lib';
import { calibrated } from '../calibration/calibrated';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { float32 } from '../support/run';

/** Channels between the two convolutions of {@link chain}. */
export const CHANNELS = 16;

/**
 * Two convolutions with a ReLU each and a classifier; input `x` [batch, 3, 12, 12].
 * @param factors of each channel between the convolutions, undone by the second: the same function for positive ones
 */
export function chain(factors: readonly number[] = new Array<number>(CHANNELS).fill(1)): ModelBuilder {
  const random = new Random(3);
  const model = new ModelBuilder();
  const x = model.input('x', ['batch', 3, 12, 12]);
  const pads = { pads: [1, 1, 1, 1] };
  const weights = random.floats(CHANNELS * 27, -0.4, 0.4).map((w, i) => w * factors[Math.floor(i / 27)]!);
  const bias = random.floats(CHANNELS, 0, 0.3).map((b, c) => b * factors[c]!);
  const first = model.node('Relu', [
    model.node(
      'Conv',
      [x, model.constant(weights, [CHANNELS, 3, 3, 3]), model.constant(bias, [CHANNELS])],
      pads,
    ),
  ]);
  const next = random
    .floats(8 * CHANNELS * 9, -0.2, 0.2)
    .map((w, i) => w / factors[Math.floor(i / 9) % CHANNELS]!);
  const second = model.node('Relu', [
    model.node(
      'Conv',
      [first, model.constant(next, [8, CHANNELS, 3, 3]), model.constant(random.floats(8), [8])],
      pads,
    ),
  ]);
  const pooled = model.node('Flatten', [model.node('GlobalAveragePool', [second])]);
  const classifier = model.constant(random.floats(8 * 10), [8, 10]);
  const logits = model.node('Gemm', [pooled, classifier, model.constant(random.floats(10), [10])]);
  return model.output(logits, 'float32', ['batch', 10]);
}

export function inputs(count: number, batch = 1, seed = 9): Tensor<'float32'>[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => float32(random.floats(batch * 3 * 144), [batch, 3, 12, 12]));
}

/** A model and the INT8 one made of it, or of `source` where that is another. */
export async function pair(
  model = chain(),
  source = model,
  change: (int8: Graph) => void = () => undefined,
): Promise<{ fp32: Uint8Array; int8: Uint8Array }> {
  const { graph } = await calibrated(source, inputs(8, 1, 4));
  change(graph);
  return { fp32: model.bytes(), int8: writeModel(graph) };
}
