import type { Node } from '../graph/graph';
import { quantizationOf } from '../ops/quantize';
import { operatorOf } from '../ops/registry';
import type { ResolvedOptions } from '../runtime/options';
import type { Tensor } from '../tensor';
import { secondMoments } from './moments';
import { gatherPatches } from './patches';

/** Patches for each weight of a row: enough that their moments are not noise, few enough that large layers take seconds. */
const PATCHES_PER_WEIGHT = 4;
const LEAST_PATCHES = 2048;
const MOST_PATCHES = 16384;
/** Weights of a row beyond which the moments, a number for each two of them, take too much memory: 1 GiB at this many. */
const MOST_COLUMNS = 16384;

/** A layer's FP32 weights, a row an output channel, and what decides how much the error of each costs in the layer's output. */
export interface LayerMoments {
  readonly rows: number;
  readonly columns: number;
  /** Rows divide evenly into groups, each with inputs of its own. */
  readonly groups: number;
  /** Shape [groups, columns, columns]: second moments of the quantized inputs. An error e of a row's weights costs e'He. */
  readonly moments: Float32Array;
  /** Shape [rows, columns]. */
  readonly weights: Float32Array;
}

/**
 * Measures a layer on its samples. Undefined for one with more than 16384 weights a row, and for a transposed convolution, whose
 * results see weights in patterns that vary.
 * @param node a layer of a QDQ graph
 * @param original the same layer with its FP32 weights
 * @param inputs what it reads, as stored, a tensor a sample
 * @param about `mean` where the output's mean does not count, since the layer's bias is corrected afterwards
 */
export async function layerMoments(
  node: Node,
  original: Node,
  inputs: readonly Tensor[],
  about: 'mean' | 'zero',
  options: ResolvedOptions,
): Promise<LayerMoments | undefined> {
  const { linear } = operatorOf(node);
  const weights = original.inputs[1]!.constant!;
  const axis = linear!.outputChannelAxis(node);
  const rows = weights.dims[axis]!;
  const columns = weights.count / rows;
  if (columns > MOST_COLUMNS || linear!.transposed) return undefined;
  const patches = gatherPatches(
    inputs,
    quantizationOf(node.inputs[0]!.producer!).zeroPoint[0]!,
    {
      window: linear!.window && ((dims) => linear!.window!(node, dims)!),
      groups: linear!.inputChannels(node)?.groups ?? 1,
    },
    Math.min(Math.max(PATCHES_PER_WEIGHT * columns, LEAST_PATCHES), MOST_PATCHES),
  );
  return {
    rows,
    columns,
    groups: patches.groups,
    moments: await secondMoments(patches, about, options),
    weights: byRow(weights.toFloat32(), weights.dims, axis),
  };
}

/** Weights with the output channels outermost; a matrix [K, N] is transposed. */
export function byRow<T extends Float32Array | Int8Array>(
  values: T,
  dims: readonly number[],
  axis: number,
): T {
  return axis === 0 ? values : transposed(values, dims[0]!, dims[1]!);
}

/** Back to the dims that {@link byRow} was given. */
export function fromRows(values: Int8Array, dims: readonly number[], axis: number): Int8Array {
  return axis === 0 ? values : transposed(values, dims[1]!, dims[0]!);
}

function transposed<T extends Float32Array | Int8Array>(values: T, rows: number, columns: number): T {
  const result = values.slice() as T;
  for (let row = 0; row < rows; ++row)
    for (let column = 0; column < columns; ++column)
      result[column * rows + row] = values[row * columns + column]!;
  return result;
}
