import type { Node } from '../../graph/graph';
import type { ChannelAffine } from '../definition';

/** Scale and shift of x where the other operand is the number c, on the right (x - c) or on the left (c - x). */
export interface Affine {
  right(c: number): readonly [scale: number, shift: number];
  left?(c: number): readonly [scale: number, shift: number];
}

/**
 * What a binary operator does to a computed float32 operand where the other one is constant: one number, or numbers along one
 * axis. Undefined where both are computed, or where the constant would widen the computed one.
 */
export function channelAffine(node: Node, affine: Affine): ChannelAffine | undefined {
  if (node.inputs.length !== 2) return undefined;
  const data = node.inputs[0]!.constant ? 1 : 0;
  const x = node.inputs[data]!;
  const { constant } = node.inputs[1 - data]!;
  const numbers = data === 0 ? affine.right : affine.left;
  if (x.constant || !constant || !numbers || !x.shape || x.dtype !== 'float32') return undefined;
  if (constant.dtype !== 'float32' || constant.dims.length > x.shape.length) return undefined;
  const along = constant.dims.flatMap((size, index) => (size === 1 ? [] : [index]));
  const axis = along.length === 0 ? undefined : along[0]! + x.shape.length - constant.dims.length;
  if (along.length > 1 || (axis !== undefined && x.shape[axis] !== constant.count)) return undefined;
  const pairs = Array.from(constant.toFloat32(), (c) => numbers(c));
  if (!pairs.flat().every(Number.isFinite)) return undefined;
  return {
    data,
    axis,
    scale: Float64Array.from(pairs, ([scale]) => scale),
    shift: Float64Array.from(pairs, ([, shift]) => shift),
  };
}
