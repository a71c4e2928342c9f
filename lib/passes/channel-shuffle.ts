import { elementCount } from '../graph/data-type';
import type { Graph, Node, Value } from '../graph/graph';
import { operatorOf } from '../ops/registry';
import { forEachOffset, stridesOf } from '../ops/support/elements';
import { sameShape } from '../ops/support/shapes';
import { sameType } from './quantized-values';

/** Nodes that together do nothing but bring the channels of a value into another order. */
export interface Shuffle {
  readonly nodes: readonly Node[];
  readonly source: Value;
  readonly result: Value;
  /** Which channel of the source each channel of the result is. */
  readonly channels: readonly number[];
}

/** The shuffle that a transposition between two reshapes is. */
export function shuffleAround(graph: Graph, transposition: Node): Shuffle | undefined {
  const permutation = operatorOf(transposition).permutation?.(transposition);
  if (!permutation) return undefined;
  const [split, transposed] = [transposition.inputs[0]!, transposition.outputs[0]!];
  if (!graph.hasSingleUse(split) || !graph.hasSingleUse(transposed)) return undefined;
  const [before, [after]] = [split.producer, transposed.consumers];
  if (!before || !operatorOf(before).reshapes) return undefined;
  if (!operatorOf(after!).reshapes || after!.inputs[0] !== transposed) return undefined;
  const [source, result] = [before.inputs[0]!, after!.outputs[0]!];
  if (!source.dims || !split.dims || !sameShape(source.dims, result.shape)) return undefined;
  if (!sameStorage(source, result)) return undefined;
  const channels = shuffledChannels(source.dims, split.dims, permutation);
  return channels && { nodes: [before, transposition, after!], source, result, channels };
}

/**
 * Which channel comes to the place of each, where transposing elements of `dims` seen as `split` moves channels alone: all axes
 * that change their place are then parts of axis 1.
 */
function shuffledChannels(
  [batch, , ...spatial]: readonly number[],
  split: readonly number[],
  permutation: readonly number[],
): number[] | undefined {
  if (batch === undefined || spatial.length === 0) return undefined;
  // Where an axis of 1 lies means nothing.
  const axes = split.map((_, axis) => axis).filter((axis) => split[axis] !== 1);
  const order = permutation.filter((axis) => split[axis] !== 1).map((axis) => axes.indexOf(axis));
  const sizes = axes.map((axis) => split[axis]!);
  const first = order.findIndex((axis, index) => axis !== index);
  const end = order.findLastIndex((axis, index) => axis !== index) + 1;
  if (first < 0) return undefined;
  // What is left of axis 1 before and behind them.
  const outer = elementCount(sizes.slice(0, first)) / batch;
  const inner = elementCount(sizes.slice(end)) / elementCount(spatial);
  if (!Number.isInteger(outer) || !Number.isInteger(inner)) return undefined;
  const parts = [outer, ...sizes.slice(first, end), inner];
  const places = [0, ...order.slice(first, end).map((axis) => axis - first + 1), parts.length - 1];
  const strides = stridesOf(parts);
  const result: number[] = [];
  forEachOffset(
    places.map((axis) => parts[axis]!),
    places.map((axis) => strides[axis]!),
    0,
    (channel) => result.push(channel),
  );
  return result;
}

/** Whether elements of one value may be stored as elements of the other as they are. */
export function sameStorage(a: Value, b: Value): boolean {
  return a.quantization || b.quantization ? sameType(a, b) : a.dtype === b.dtype;
}
