import { Calibr8Error } from '../errors';
import { Constant } from '../graph/constant';
import type { Node } from '../graph/graph';
import type { OperatorDefinition, QuantizationRule } from './definition';
import { allocate, broadcastStrides, forEachOffset } from './support/elements';
import { broadcast, dtypeOf, input, output, shapeError } from './support/shapes';
import { elementCount, isFloat } from '../graph/data-type';

interface Arithmetic {
  op: string;
  algorithm: string;
  apply(a: number, b: number): number;
  quantization?: QuantizationRule;
  /** Takes any number of inputs, from left to right. */
  variadic?: true;
}

/** A binary operator with numpy broadcasting. Integers are folded, since only shape arithmetic uses them. */
function arithmetic({ op, algorithm, apply, quantization, variadic }: Arithmetic): OperatorDefinition {
  return {
    op,
    inputs: variadic ? [1, Infinity] : [2, 2],
    quantization: quantization ?? { kind: 'float' },
    infer(node) {
      const dtype = dtypeOf(node);
      const stored = node.inputs.map((value) => (value?.quantization ? 'float32' : value?.dtype));
      if (stored.some((other) => other !== stored[0])) {
        throw shapeError(node, `expected operands of one type but received ${stored.join(' and ')}.`);
      }
      return [
        {
          dtype: input(node, 0).quantization ? 'float32' : dtype,
          shape: broadcast(
            node,
            node.inputs.map((value) => value?.shape),
          ),
        },
      ];
    },
    fold(node) {
      return [node.inputs.map((value) => value!.constant!).reduce((a, b) => combine(node, a, b, apply))];
    },
    identity: (node) => node.inputs.length === 1,
    lower(node, lowering) {
      const { dtype, quantization: stored } = output(node);
      const small = dtype === 'uint8' || dtype === 'int8';
      if (dtype !== 'float32' && !stored && (!small || algorithm === 'div')) {
        throw new Calibr8Error(
          'UNSUPPORTED_OPERATOR',
          `${node.label}: ${dtype} is not supported, only float32.`,
        );
      }
      const dims = lowering.dims(output(node));
      const shapes = node.inputs.map((_, index) => {
        const shape = lowering.dims(input(node, index));
        return [...new Array<number>(dims.length - shape.length).fill(1), ...shape];
      });
      const values = shapes.map((shape, index) => {
        const value = input(node, index);
        return lowering.reshaped(lowering.value(value), shape, value.name);
      });
      if (values.length === 1) {
        lowering.step({
          kernel: 'reshape',
          name: node.name,
          sources: values,
          destinations: [lowering.value(output(node))],
        });
        return;
      }
      values.slice(1).reduce((left, right, index) => {
        const last = index === values.length - 2;
        const name = last ? node.name : `${node.name}/${index}`;
        const reached = broadcast(node, shapes.slice(0, index + 2)) as number[];
        const result = last ? lowering.value(output(node)) : lowering.temporary(name, 'float32', reached);
        lowering.step({
          kernel: 'binary',
          name,
          sources: [left, right],
          destinations: [result],
          params: { algorithm: { text: algorithm } },
        });
        return result;
      }, values[0]!);
    },
  };
}

function combine(node: Node, a: Constant, b: Constant, apply: (a: number, b: number) => number): Constant {
  const dims = broadcast(node, [a.dims, b.dims]) as number[];
  const result = allocate(a.dtype, elementCount(dims));
  const [left, right] = [a.toNumbers(), b.toNumbers()];
  const rightOffsets = new Float64Array(result.length);
  forEachOffset(dims, broadcastStrides(b.dims, dims), 0, (offset, index) => (rightOffsets[index] = offset));
  const integer = !isFloat(a.dtype);
  const big = result instanceof BigInt64Array || result instanceof BigUint64Array;
  forEachOffset(dims, broadcastStrides(a.dims, dims), 0, (offset, index) => {
    let value = apply(left[offset]!, right[rightOffsets[index]!]!);
    if (integer) value = Math.trunc(value);
    result[index] = big ? BigInt(Number.isFinite(value) ? value : 0) : value;
  });
  return Constant.from(a.dtype, dims, result);
}

export const add = arithmetic({
  op: 'Add',
  algorithm: 'add',
  apply: (a, b) => a + b,
  quantization: { kind: 'sum' },
});

export const arithmeticOperators: readonly OperatorDefinition[] = [
  add,
  arithmetic({ op: 'Sub', algorithm: 'sub', apply: (a, b) => a - b }),
  arithmetic({ op: 'Mul', algorithm: 'mul', apply: (a, b) => a * b }),
  arithmetic({ op: 'Div', algorithm: 'div', apply: (a, b) => a / b }),
  arithmetic({ op: 'Max', algorithm: 'max', apply: Math.max, variadic: true }),
  arithmetic({ op: 'Min', algorithm: 'min', apply: Math.min, variadic: true }),
  arithmetic({
    op: 'Sum',
    algorithm: 'add',
    apply: (a, b) => a + b,
    variadic: true,
    quantization: { kind: 'sum' },
  }),
];
