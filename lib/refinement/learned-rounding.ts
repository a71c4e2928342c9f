import { Constant } from '../graph/constant';
import type { Graph, Node } from '../graph/graph';
import { operatorOf } from '../ops/registry';
import { weightLevels } from '../quantization/weights';
import { loadAddon } from '../runtime/load';
import { native } from '../runtime/native-error';
import type { ResolvedOptions } from '../runtime/options';
import { byRow, fromRows, type LayerMoments } from './layer-moments';
import { replaceStored, storedInput } from './stored';

/**
 * What is added to the moments' diagonal, as a share of its mean: it pulls every weight towards its own value where the
 * samples say little, which is what keeps a few dozen of them from being learned by heart.
 */
const RIDGE = 0.01;
const SWEEPS = 20;

/**
 * Rounds a layer's weights together, so that their errors cancel in the layer's output on the samples, and puts the result in
 * the place of the nearest levels: the objective of AdaRound (Nagel et al., "Up or Down? Adaptive Rounding for Post-Training
 * Quantization", ICML 2020, equation 13), minimized by coordinate descent instead of a relaxation, over any level and not
 * only the two nearest. Scales stay.
 * @param node a layer of a QDQ graph
 * @param bits that the weights' levels use; default all 8
 */
export async function learnRounding(
  graph: Graph,
  node: Node,
  { rows, columns, groups, moments, weights }: LayerMoments,
  options: ResolvedOptions,
  bits?: number,
): Promise<void> {
  const axis = operatorOf(node).linear!.outputChannelAxis(node);
  const stored = storedInput(node, 1);
  const { dims } = stored.levels;
  const levels = await native(() =>
    loadAddon().roundWeights({
      rows,
      columns,
      groups,
      moments: withRidge(moments, groups, columns),
      weights,
      scales: stored.scale,
      levels: byRow(stored.levels.array as Int8Array, dims, axis),
      greatestLevel: weightLevels(bits),
      sweeps: SWEEPS,
      threads: options.threadsPerStream,
    }),
  );
  replaceStored(graph, node, 1, 'levels', Constant.from('int8', dims, fromRows(levels, dims, axis)));
}

function withRidge(moments: Float32Array, groups: number, columns: number): Float32Array {
  const result = moments.slice();
  for (let group = 0; group < groups; ++group) {
    const diagonal = (k: number): number => (group * columns + k) * columns + k;
    let trace = 0;
    for (let k = 0; k < columns; ++k) trace += moments[diagonal(k)]!;
    for (let k = 0; k < columns; ++k) result[diagonal(k)]! += (RIDGE * trace) / columns;
  }
  return result;
}
