import { Calibr8Error } from '../../errors';
import type { Constant } from '../../graph/constant';
import { elementCount, type DataType } from '../../graph/data-type';
import type { Node } from '../../graph/graph';
import type { OperatorDefinition } from '../definition';
import { Composer } from './composer';
import { broadcastStrides, forEachOffset, fromNumbers } from './elements';
import { broadcast, dtypeOf, input, shapeError } from './shapes';

/** A function of one or more elements that the addon's `map` kernel computes on any type that suits it. */
interface Elementwise {
  op: string;
  /** The kernel's algorithm; docs/plan.md lists them. */
  algorithm: string | ((node: Node) => string);
  operands: number;
  /** The result's type where it is not the operands'. */
  result?: 'bool';
  /** The function itself, for constants. */
  apply?(...operands: number[]): number;
  numbers?(node: Node, opset: number): { alpha?: number; beta?: number };
}

export function elementwise(spec: Elementwise): OperatorDefinition {
  const { op, operands, result, apply, numbers } = spec;
  return {
    op,
    inputs: [operands, operands],
    quantization: { kind: 'float' },
    anyType: true,
    infer(node) {
      return [{ dtype: result ?? commonType(node), shape: broadcastInputs(node) }];
    },
    ...(apply
      ? {
          fold: (node: Node) =>
            foldElements(node, result ?? commonType(node), (...values) => apply(...values)),
        }
      : {}),
    lower(node, lowering) {
      const composer = new Composer(node, lowering);
      const terms = node.inputs.map((_, index) => composer.input(index));
      const algorithm = typeof spec.algorithm === 'string' ? spec.algorithm : spec.algorithm(node);
      composer.finish(composer.map(algorithm, terms, numbers?.(node, lowering.opset)));
    },
  };
}

export function broadcastInputs(node: Node): ReturnType<typeof broadcast> {
  return broadcast(
    node,
    node.inputs.map((value) => value?.shape),
  );
}

/** The one type of inputs from `first` on. Throws INVALID_SHAPE where they differ. */
export function commonType(node: Node, first = 0): DataType {
  const types = node.inputs.slice(first).map((value) => (value?.quantization ? 'float32' : value?.dtype));
  if (types.some((other) => other !== types[0])) {
    throw shapeError(node, `expected operands of one type but received ${types.join(' and ')}.`);
  }
  return input(node, first).quantization ? 'float32' : dtypeOf(node, first);
}

/** Evaluates a function of constant inputs element by element; nothing where the result is float16. */
export function foldElements(
  node: Node,
  dtype: DataType,
  apply: (...values: number[]) => number,
): readonly Constant[] | undefined {
  if (dtype === 'float16') return undefined;
  const constants = node.inputs.map((value) => value!.constant!);
  const dims = broadcast(
    node,
    constants.map((constant) => constant.dims),
  ) as number[];
  const columns = constants.map((constant) => spread(constant, dims));
  const results = new Array<number>(elementCount(dims));
  for (let i = 0; i < results.length; ++i) results[i] = apply(...columns.map((column) => column[i]!));
  return [fromNumbers(dtype, dims, results)];
}

/** A constant's numbers as if broadcast. */
function spread(constant: Constant, dims: readonly number[]): number[] {
  const numbers = constant.toNumbers();
  if (constant.dims.join() === dims.join()) return numbers;
  const result: number[] = [];
  forEachOffset(dims, broadcastStrides(constant.dims, dims), 0, (offset) => result.push(numbers[offset]!));
  return result;
}

/** Refuses an element type that an operator is not defined on. */
export function refuseType(node: Node, dtype: DataType, supported: string): Calibr8Error {
  return new Calibr8Error(
    'UNSUPPORTED_OPERATOR',
    `${node.label}: ${dtype} is not supported, only ${supported}.`,
  );
}
