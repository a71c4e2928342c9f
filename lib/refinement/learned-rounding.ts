import { Constant } from '../graph/constant';
import type { Graph, Node } from '../graph/graph';
import { operatorOf } from '../ops/registry';
import { quantizationOf } from '../ops/quantize';
import { loadAddon } from '../runtime/load';
import { native } from '../runtime/native-error';
import type { ResolvedOptions } from '../runtime/options';
import type { Tensor } from '../tensor';
import { secondMoments } from './moments';
import { gatherPatches } from './patches';

/** Patches for each weight of a row: enough that their moments are not noise, few enough that large layers take seconds. */
const PATCHES_PER_WEIGHT = 4;
const LEAST_PATCHES = 2048;
const MOST_PATCHES = 16384;
/**
 * What is added to the moments' diagonal, as a share of its mean: it pulls every weight towards its own value where the
 * samples say little, which is what keeps a few dozen of them from being learned by heart.
 */
const RIDGE = 0.01;
const SWEEPS = 20;
/** Weights of a row beyond which the moments, a number for each two of them, take too much memory: 1 GiB at this many. */
const MOST_COLUMNS = 16384;

/**
 * Rounds a layer's weights together, so that their errors cancel in the layer's output on the samples, and puts the result in
 * the place of the nearest levels: the objective of AdaRound (Nagel et al., "Up or Down? Adaptive Rounding for Post-Training
 * Quantization", ICML 2020, equation 13), minimized by coordinate descent instead of a relaxation, over any level and not
 * only the two nearest. Scales stay. A layer with more than 16384 weights a row, or a transposed
 * convolution, whose results see weights in patterns that vary, keeps the nearest levels.
 * @param node a layer of a QDQ graph
 * @param original the same layer with its FP32 weights
 * @param inputs what it reads, as stored, a tensor a sample
 * @param about `mean` where the output's mean does not count, since the layer's bias is corrected afterwards
 */
export async function learnRounding(
  graph: Graph,
  node: Node,
  original: Node,
  inputs: readonly Tensor[],
  about: 'mean' | 'zero',
  options: ResolvedOptions,
): Promise<void> {
  const { linear } = operatorOf(node);
  const weights = original.inputs[1]!.constant!;
  const axis = linear!.outputChannelAxis(node);
  const rows = weights.dims[axis]!;
  const columns = weights.count / rows;
  if (columns > MOST_COLUMNS || linear!.transposed) return;
  const patches = gatherPatches(
    inputs,
    quantizationOf(node.inputs[0]!.producer!).zeroPoint[0]!,
    {
      window: linear!.window && ((dims) => linear!.window!(node, dims)!),
      groups: linear!.inputChannels(node)?.groups ?? 1,
    },
    Math.min(Math.max(PATCHES_PER_WEIGHT * columns, LEAST_PATCHES), MOST_PATCHES),
  );
  const moments = await secondMoments(patches, about, options);
  addRidge(moments, patches.groups, columns);
  const dequantize = node.inputs[1]!.producer!;
  const stored = dequantize.inputs[0]!.constant!;
  const levels = await native(() =>
    loadAddon().roundWeights({
      rows,
      columns,
      groups: patches.groups,
      moments,
      weights: byRow(weights.toFloat32(), weights.dims, axis),
      scales: quantizationOf(dequantize).scale,
      levels: byRow(stored.array as Int8Array, weights.dims, axis),
      sweeps: SWEEPS,
      threads: options.threadsPerStream,
    }),
  );
  const rounded = Constant.from('int8', stored.dims, fromRows(levels, weights.dims, axis));
  graph.setInput(dequantize, 0, graph.addConstant(`${dequantize.inputs[0]!.name}_learned`, rounded));
}

function addRidge(moments: Float32Array, groups: number, columns: number): void {
  for (let group = 0; group < groups; ++group) {
    const diagonal = (k: number): number => (group * columns + k) * columns + k;
    let trace = 0;
    for (let k = 0; k < columns; ++k) trace += moments[diagonal(k)]!;
    for (let k = 0; k < columns; ++k) moments[diagonal(k)]! += (RIDGE * trace) / columns;
  }
}

/** Weights with the output channels outermost; a matrix [K, N] is transposed. */
function byRow<T extends Float32Array | Int8Array>(values: T, dims: readonly number[], axis: number): T {
  return axis === 0 ? values : transposed(values, dims[0]!, dims[1]!);
}

function fromRows(values: Int8Array, dims: readonly number[], axis: number): Int8Array {
  return axis === 0 ? values : transposed(values, dims[1]!, dims[0]!);
}

function transposed<T extends Float32Array | Int8Array>(values: T, rows: number, columns: number): T {
  const result = values.slice() as T;
  for (let row = 0; row < rows; ++row)
    for (let column = 0; column < columns; ++column)
      result[column * rows + row] = values[row * columns + column]!;
  return result;
}
