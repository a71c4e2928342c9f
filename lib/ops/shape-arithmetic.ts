import { Calibr8Error } from '../errors';
import { Constant } from '../graph/constant';
import { DATA_TYPES, dataTypeFromOnnx, elementCount, isFloat, type DataType } from '../graph/data-type';
import type { Dim, Node } from '../graph/graph';
import type { OperatorDefinition } from './definition';
import { allocate } from './support/elements';
import { constantInts, dtypeOf, input, normalizeAxis, output, shapeError, shapeOf } from './support/shapes';

const float = { kind: 'float' } as const;

/** What exporters compute shapes with. Known shapes fold it away before execution. */
export const shape: OperatorDefinition = {
  op: 'Shape',
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

export const gather: OperatorDefinition = {
  op: 'Gather',
  inputs: [2, 2],
  quantization: float,
  infer(node) {
    const dtype = dtypeOf(node);
    const data = shapeOf(node, 0, 1);
    const indices = shapeOf(node, 1);
    if (!data || !indices) return [{ dtype, shape: undefined }];
    const axis = normalizeAxis(node, node.attributes.int('axis', 0), data.length);
    return [{ dtype, shape: [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)] }];
  },
  fold(node) {
    const data = node.inputs[0]!.constant!;
    const indices = node.inputs[1]!.constant!;
    const axis = normalizeAxis(node, node.attributes.int('axis', 0), data.dims.length);
    const size = data.dims[axis]!;
    const inner = elementCount(data.dims.slice(axis + 1));
    const outer = elementCount(data.dims.slice(0, axis));
    const dims = [...data.dims.slice(0, axis), ...indices.dims, ...data.dims.slice(axis + 1)];
    const result = allocate(data.dtype, elementCount(dims));
    const picks = indices.toNumbers().map((index) => {
      if (index < -size || index >= size)
        throw shapeError(node, `expected indices below ${size} but received ${index}.`);
      return index < 0 ? index + size : index;
    });
    let at = 0;
    for (let o = 0; o < outer; ++o) {
      for (const pick of picks) {
        const from = (o * size + pick) * inner;
        result.set(data.array.subarray(from, from + inner) as never, at);
        at += inner;
      }
    }
    return [Constant.from(data.dtype, dims, result)];
  },
  lower(node, lowering) {
    lowering.step({
      kernel: 'gather',
      name: node.name,
      sources: [lowering.value(input(node, 0)), lowering.value(input(node, 1))],
      destinations: [lowering.value(output(node))],
      params: {
        axis: {
          i64: normalizeAxis(node, node.attributes.int('axis', 0), lowering.dims(input(node, 0)).length),
        },
      },
    });
  },
};

function castTarget(node: Node): DataType {
  const to = node.attributes.int('to', 0);
  const dtype = dataTypeFromOnnx(to);
  if (!dtype)
    throw new Calibr8Error(
      'UNSUPPORTED_OPERATOR',
      `${node.label}: casting to ONNX type ${to} is not supported.`,
    );
  return dtype;
}

export const cast: OperatorDefinition = {
  op: 'Cast',
  inputs: [1, 1],
  quantization: float,
  infer: (node) => [{ dtype: castTarget(node), shape: shapeOf(node) }],
  identity: (node) => input(node, 0).dtype === castTarget(node),
  fold(node) {
    const x = node.inputs[0]!.constant!;
    const to = castTarget(node);
    if (to === 'float16') return undefined;
    const numbers = x.toNumbers();
    const result = allocate(to, numbers.length);
    const big = DATA_TYPES[to].bytes === 8 && !isFloat(to);
    numbers.forEach((value, index) => {
      const converted = to === 'bool' ? Number(value !== 0) : isFloat(to) ? value : Math.trunc(value);
      result[index] = big ? BigInt(converted) : converted;
    });
    return [Constant.from(to, x.dims, result)];
  },
};
