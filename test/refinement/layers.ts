import type { Tensor } from '../../lib';
import { dequantize, quantizationOf } from '../../lib/ops/quantize';
import { Frontier } from '../../lib/refinement/frontier';
import type { Graph, Node } from '../../lib/graph/graph';
import { layerMoments } from '../../lib/refinement/layer-moments';
import type { SearchedLayer } from '../../lib/refinement/scale-search';
import { noise } from '../calibration/calibrated';
import { ModelBuilder, type AttributeSpec } from '../support/model';
import { Random } from '../support/random';
import { float32, runModel } from '../support/run';
import { nodeNamed, OPTIONS, pair } from './support';

export interface Layer {
  op: 'Conv' | 'Gemm' | 'MatMul';
  weights: readonly number[];
  attributes?: Readonly<Record<string, AttributeSpec>>;
  samples: readonly Tensor[];
}

/** Smoothed noise: neighbors share most of their value, which is what rounding together exploits. */
export function smooth(count: number, dims: readonly number[], seed = 3): Tensor[] {
  return noise(count, dims, seed).map(({ data }) => {
    let last = 0;
    return float32(Float32Array.from(data as Float32Array, (x) => (last = 0.9 * last + 0.4 * x)), dims); // prettier-ignore
  });
}

function modelOf({ op, weights, attributes, samples }: Layer, values: ArrayLike<number>): ModelBuilder {
  const model = new ModelBuilder();
  const { dims } = samples[0]!;
  const x = model.input('x', [
    'N',
    ...dims.slice(1).map((d, axis) => (op === 'Conv' && axis > 0 ? null : d)),
  ]);
  const y = model.node(op, [x, model.constant(values, weights)], attributes);
  return model.output(y, 'float32', dims.map(() => null)); // prettier-ignore
}

/** What refines one layer of a QDQ graph, its moments measured about the mean. */
type Refine = (graph: Graph, node: Node, original: Node, layer: SearchedLayer) => Promise<void>;

interface Rounded {
  levels: number[];
  scales: number[];
  /** Of the output, about its channels' means. */
  error: number;
}

/** One layer rounded to the nearest levels, and then refined. `values` are its weights; default noise. */
export async function refined(
  layer: Layer,
  refine: Refine,
  values: readonly number[] | Float32Array = new Random(9).floats(layer.weights.reduce((a, b) => a * b, 1)),
): Promise<{ nearest: Rounded; refined: Rounded }> {
  const model = modelOf(layer, values);
  const { reference, quantized } = await pair(model, 4);
  const { name } = [...model.graph.nodes][0]!;
  const [node, original] = [nodeNamed(quantized, name), nodeNamed(reference, name)];
  const conversion = node.inputs[1]!.producer!;
  const now = async (): Promise<Rounded> => {
    const stored = conversion.inputs[0]!.constant!;
    const real = dequantize(stored, quantizationOf(conversion)).toFloat32();
    const error = await outputError(layer, real.map((w, i) => w - values[i]!)); // prettier-ignore
    return { levels: stored.toNumbers(), scales: [...quantizationOf(conversion).scale], error };
  };
  const feeds = layer.samples.map((x) => [x]);
  const inputs = await new Frontier(quantized, feeds, OPTIONS).advance(node.inputs[0]!.producer!.inputs[0]!);
  const nearest = await now();
  const measure = async (samples: readonly Tensor[]) =>
    (await layerMoments(node, original, samples, 'mean', OPTIONS))!;
  const half = (parity: number) => measure(inputs.filter((_, i) => i % 2 === parity));
  const halves = async () => [await half(0), await half(1)] as const;
  await refine(quantized, node, original, { all: await measure(inputs), halves });
  return { nearest, refined: await now() };
}

/** Power of what the weights' errors make of the samples, about the mean of each channel. */
async function outputError(layer: Layer, errors: Float32Array): Promise<number> {
  const model = modelOf(layer, errors);
  const last = layer.op !== 'Conv';
  const rows = new Map<number, number[]>();
  for (const x of layer.samples) {
    const [y] = await runModel(model, { x });
    const channels = last ? y!.dims.at(-1)! : y!.dims[1]!;
    const inner = last ? 1 : y!.dims.slice(2).reduce((a, b) => a * b, 1);
    (y!.data as Float32Array).forEach((value, i) => {
      const channel = Math.floor(i / inner) % channels;
      rows.set(channel, [...(rows.get(channel) ?? []), value]);
    });
  }
  let power = 0;
  for (const row of rows.values()) {
    const mean = row.reduce((a, b) => a + b, 0) / row.length;
    power += row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
  }
  return power;
}

const images = [...smooth(4, [1, 4, 6, 7]), ...smooth(3, [2, 4, 5, 5], 8)];
export const CASES: [string, Layer][] = [
  ['a convolution', { op: 'Conv', weights: [6, 4, 3, 3], samples: images }],
  [
    'a grouped convolution, dilated, with padding that differs at every side',
    {
      op: 'Conv',
      weights: [6, 2, 3, 2],
      attributes: { group: 2, dilations: [1, 2], pads: [0, 1, 2, 3], strides: [2, 1] },
      samples: images,
    },
  ],
  [
    'a depthwise convolution',
    { op: 'Conv', weights: [4, 1, 3, 3], attributes: { group: 4, pads: [1, 1, 1, 1] }, samples: images },
  ],
  [
    'a convolution over one axis, padded by its size',
    {
      op: 'Conv',
      weights: [3, 2, 5],
      attributes: { auto_pad: 'SAME_LOWER', strides: [2] },
      samples: [...smooth(4, [1, 2, 20]), ...smooth(4, [1, 2, 17], 6)],
    },
  ],
  ['a Gemm with [K, N]', { op: 'Gemm', weights: [12, 5], samples: smooth(6, [16, 12]) }],
  ['a Gemm with [N, K]', { op: 'Gemm', weights: [5, 12], attributes: { transB: 1 }, samples: smooth(6, [16, 12]) }], // prettier-ignore
  ['a product of rank 3', { op: 'MatMul', weights: [40, 5], samples: smooth(6, [2, 30, 40]) }],
];
