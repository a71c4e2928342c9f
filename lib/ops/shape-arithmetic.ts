import { Constant } from '../graph/constant';
import { dataTypeFromOnnx, elementCount, type DataType } from '../graph/data-type';
import type { Dim, Node } from '../graph/graph';
import type { OperatorDefinition } from './definition';
import { allocate, fromNumbers } from './support/elements';
import { constantInts, dtypeOf, input, shapeError, shapeOf } from './support/shapes';

const float = { kind: 'float' } as const;

/** What exporters compute shapes with. Known shapes fold it away before execution. */
export const shape: OperatorDefinition = {
  op: 'Shape',
  anyType: true,
  inputs: [1, 1],
  quantization: float,
  foldsFromShape: true,
  infer(node) {
    const rank = shapeOf(node)?.length;
    return [
      {
        dtype: 'int64',
        shape: rank === undefined ? undefined : [dimsWanted(node, new Array<number>(rank).fill(0)).length],
      },
    ];
  },
  fold(node) {
    const dims = dimsWanted(node, input(node, 0).dims!);
    return [Constant.int64([dims.length], dims)];
  },
};

function dimsWanted(node: Node, dims: readonly number[]): readonly number[] {
  return dims.slice(node.attributes.int('start', 0), node.attributes.int('end', dims.length));
}

export const constantOfShape: OperatorDefinition = {
  op: 'ConstantOfShape',
  anyType: true,
  parameters: [0],
  inputs: [1, 1],
  quantization: float,
  infer(node) {
    const value = node.attributes.tensor('value');
    const dims = constantInts(node, 0);
    const rank = input(node, 0).dims?.[0];
    return [
      {
        dtype: value?.dtype ?? 'float32',
        shape: dims ?? (rank === undefined ? undefined : new Array<Dim>(rank).fill(null)),
      },
    ];
  },
  fold(node) {
    const dims = constantInts(node, 0)!;
    const value = node.attributes.tensor('value') ?? Constant.float32([1], [0]);
    const data = allocate(value.dtype, elementCount(dims));
    data.fill(value.array[0] as never);
    return [Constant.from(value.dtype, dims, data)];
  },
};

export const size: OperatorDefinition = {
  op: 'Size',
  anyType: true,
  inputs: [1, 1],
  quantization: float,
  foldsFromShape: true,
  infer: () => [{ dtype: 'int64', shape: [] }],
  fold: (node) => [Constant.int64([], [elementCount(input(node, 0).dims!)])],
};

/** Start, limit and step of a Range, or undefined where one is computed. */
function rangeOf(node: Node): { start: number; step: number; count: number } | undefined {
  const [start, limit, step] = [0, 1, 2].map((index) => node.inputs[index]?.constant?.toNumbers()[0]);
  if (start === undefined || limit === undefined || step === undefined) return undefined;
  if (step === 0) throw shapeError(node, 'expected a delta other than 0.');
  return { start, step, count: Math.max(0, Math.ceil((limit - start) / step)) };
}

export const range: OperatorDefinition = {
  op: 'Range',
  anyType: true,
  parameters: [0, 1, 2],
  inputs: [3, 3],
  quantization: float,
  infer: (node) => [{ dtype: dtypeOf(node), shape: [rangeOf(node)?.count ?? null] }],
  fold(node) {
    const { start, step, count } = rangeOf(node)!;
    const numbers = Array.from({ length: count }, (_, index) => start + index * step);
    return [fromNumbers(dtypeOf(node), [count], numbers)];
  },
};

/** Ones on a diagonal. */
export const eyeLike: OperatorDefinition = {
  op: 'EyeLike',
  anyType: true,
  inputs: [1, 1],
  quantization: float,
  foldsFromShape: true,
  infer: (node) => [{ dtype: eyeType(node), shape: shapeOf(node, 0, 2) }],
  fold(node) {
    const [rows, columns] = input(node, 0).dims! as [number, number];
    const k = node.attributes.int('k', 0);
    const numbers = Array.from({ length: rows * columns }, (_, i) =>
      Number((i % columns) - Math.floor(i / columns) === k),
    );
    return [fromNumbers(eyeType(node), [rows, columns], numbers)];
  },
};

function eyeType(node: Node): DataType {
  return dataTypeFromOnnx(node.attributes.int('dtype', 0)) ?? dtypeOf(node);
}
