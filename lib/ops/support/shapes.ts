import { Calibr8Error } from '../../errors';
import { isFloat, type DataType } from '../../graph/data-type';
import type { Dim, Node, Shape, Value } from '../../graph/graph';

export function shapeError(node: Node, message: string): Calibr8Error {
  return new Calibr8Error('INVALID_SHAPE', `${node.label}: ${message}`);
}

/** Input number `index`, which must be there. */
export function input(node: Node, index: number): Value {
  const value = node.inputs[index];
  if (value === undefined) throw shapeError(node, `expected input ${index} but it is absent.`);
  return value;
}

/** Output number `index`, which must be there. */
export function output(node: Node, index = 0): Value {
  const value = node.outputs[index];
  if (value === undefined) throw shapeError(node, `expected output ${index} but it is absent.`);
  return value;
}

export function dtypeOf(node: Node, index = 0): DataType {
  const { dtype, name } = input(node, index);
  if (dtype === undefined) throw shapeError(node, `the element type of its input "${name}" is not known.`);
  return dtype;
}

/** The element type of input `index`, which is float32 for one that is stored quantized. */
export function realType(node: Node, index = 0): DataType {
  return input(node, index).quantization ? 'float32' : dtypeOf(node, index);
}

/** Checks that input `index` holds real numbers: float32, which calibr8 computes in, or what is converted to it. */
export function floatOf(node: Node, index = 0): DataType {
  const dtype = realType(node, index);
  if (!isFloat(dtype)) {
    const { name } = input(node, index);
    throw new Calibr8Error(
      'UNSUPPORTED_OPERATOR',
      `${node.label}: expected input "${name}" to be float32 but it is ${dtype}. Convert the model to float32.`,
    );
  }
  return dtype;
}

/** The shape of input `index` with a rank of at least `least`, or undefined where the rank is not known. */
export function shapeOf(node: Node, index = 0, least = 0): Shape | undefined {
  const { shape, name } = input(node, index);
  if (shape && shape.length < least) {
    throw shapeError(
      node,
      `expected input "${name}" to have ${least} dimensions or more but its shape is ${formatShape(shape)}.`,
    );
  }
  return shape;
}

export function formatShape(shape: Shape | undefined): string {
  return shape ? `[${shape.map((dim) => dim ?? '?').join(', ')}]` : 'unknown';
}

export function normalizeAxis(node: Node, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= Math.max(rank, 1)) {
    throw shapeError(node, `expected axis between ${-rank} and ${rank - 1} but received ${axis}.`);
  }
  return axis < 0 ? axis + rank : axis;
}

/** True where the two dimensions are surely equal. */
export function sameDim(a: Dim, b: Dim): boolean {
  return a !== null && a === b;
}

export function sameShape(a: Shape | undefined, b: Shape | undefined): boolean {
  return (
    a !== undefined && b !== undefined && a.length === b.length && a.every((dim, i) => sameDim(dim, b[i]!))
  );
}

/** Numpy broadcasting of several shapes; unknown dimensions stay unknown unless the other side decides. */
export function broadcast(node: Node, shapes: readonly (Shape | undefined)[]): Shape | undefined {
  if (shapes.some((shape) => shape === undefined)) return undefined;
  const known = shapes as readonly Shape[];
  const rank = Math.max(...known.map((shape) => shape.length));
  const result: Dim[] = [];
  for (let axis = 0; axis < rank; ++axis) {
    let dim: Dim = 1;
    for (const shape of known) {
      const other = axis < rank - shape.length ? 1 : shape[axis - (rank - shape.length)]!;
      dim = broadcastDim(node, dim, other, known);
    }
    result.push(dim);
  }
  return result;
}

function broadcastDim(node: Node, a: Dim, b: Dim, shapes: readonly Shape[]): Dim {
  if (a === 1) return b;
  if (b === 1 || sameDim(a, b)) return a;
  if (typeof a === 'number' && typeof b === 'number') {
    throw shapeError(
      node,
      `expected shapes that broadcast but received ${shapes.map(formatShape).join(' and ')}.`,
    );
  }
  // A known size above 1 wins over an unknown one, which can then only be that size or 1.
  if (typeof a === 'number') return a;
  if (typeof b === 'number') return b;
  return null;
}

/** The elements of a constant integer input as numbers, or undefined where it is absent or not constant. */
export function constantInts(node: Node, index: number): number[] | undefined {
  return node.inputs[index]?.constant?.toNumbers();
}

/** True where an optional input is there but only known when the network runs. */
export function isComputed(node: Node, index: number): boolean {
  const value = node.inputs[index];
  return value !== undefined && value.constant === undefined;
}

/** The same where lowering cannot do without them. Throws UNSUPPORTED_OPERATOR where the network computes them. */
export function requiredInts(node: Node, index: number): number[] {
  const numbers = constantInts(node, index);
  if (numbers) return numbers;
  throw new Calibr8Error(
    'UNSUPPORTED_OPERATOR',
    `${node.label}: expected its input ${index} to be known before execution, but the network computes it.`,
  );
}
