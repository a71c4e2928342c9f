import type { Node, Shape } from '../graph/graph';
import type { OperatorDefinition } from './definition';
import { Composer, type Term } from './support/composer';
import { forEachOffset, fromNumbers, stridesOf } from './support/elements';
import {
  constantInts,
  floatOf,
  isComputed,
  normalizeAxis,
  realType,
  requiredInts,
  shapeOf,
} from './support/shapes';
import { elementCount, isFloat } from '../graph/data-type';

interface Reduction {
  op: string;
  /** The first version in which the axes are an input. */
  axesInput: number;
  /** The result with axes kept as 1. */
  compose(composer: Composer, x: Term, axes: readonly number[]): Term;
  /** Takes integers and booleans too. */
  anyType?: true;
  /** The reduction of a list, for constants. */
  apply?(values: readonly number[]): number;
}

/** The axes to reduce, or undefined where they are computed. */
function axesOf(node: Node, rank: number, opset: number, axesInput: number): number[] | undefined {
  if (isComputed(node, 1)) return undefined;
  const given = opset < axesInput ? node.attributes.ints('axes') : constantInts(node, 1);
  const all = Array.from({ length: rank }, (_, axis) => axis);
  if (!given || given.length === 0) return node.attributes.int('noop_with_empty_axes', 0) ? [] : all;
  return given.map((axis) => normalizeAxis(node, axis, rank));
}

function reduction({ op, axesInput, compose, anyType, apply }: Reduction): OperatorDefinition {
  const shapes = (node: Node, shape: Shape, opset: number): { kept: Shape; result: Shape } | undefined => {
    const axes = axesOf(node, shape.length, opset, axesInput);
    if (!axes) return undefined;
    const kept = shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
    const keep = node.attributes.int('keepdims', 1) !== 0;
    return { kept, result: keep ? kept : kept.filter((_, axis) => !axes.includes(axis)) };
  };
  const unknown = (node: Node, shape: Shape): Shape | undefined =>
    node.attributes.int('keepdims', 1) === 0 ? undefined : shape.map(() => null);
  return {
    op,
    inputs: [1, 2],
    quantization: { kind: 'float' },
    parameters: [1],
    ...(anyType ? { anyType } : {}),
    infer(node, opset) {
      const shape = shapeOf(node);
      const dtype = anyType ? realType(node) : floatOf(node);
      return [{ dtype, shape: shape && (shapes(node, shape, opset)?.result ?? unknown(node, shape)) }];
    },
    ...(apply
      ? {
          fold(node: Node, opset: number) {
            const x = node.inputs[0]!.constant!;
            if (x.dtype === 'float16') return undefined;
            const { kept, result } = shapes(node, x.dims, opset)!;
            const lists = groupsOf(x.toNumbers(), x.dims, kept as number[]);
            return [
              fromNumbers(
                x.dtype,
                result as number[],
                lists.map((list) => apply(list)),
              ),
            ];
          },
        }
      : {}),
    lower(node, lowering) {
      const composer = new Composer(node, lowering);
      const x = composer.input(0);
      // Axes that nobody knows have left the output's shape unknown, which is reported there.
      lowering.dims(node.outputs[0]!);
      composer.finish(compose(composer, x, axesOf(node, x.dims.length, lowering.opset, axesInput)!));
    },
  };
}

/** The numbers that each element of a reduced tensor is made of. */
function groupsOf(numbers: readonly number[], dims: readonly number[], kept: readonly number[]): number[][] {
  const groups = Array.from({ length: elementCount(kept) }, () => new Array<number>());
  const strides = stridesOf(kept).map((stride, axis) => (kept[axis] === dims[axis] ? stride : 0));
  forEachOffset(dims, strides, 0, (offset, index) => groups[offset]!.push(numbers[index]!));
  return groups;
}

const direct =
  (algorithm: string): Reduction['compose'] =>
  (composer, x, axes) =>
    axes.length === 0 && ['sum', 'mean', 'max', 'min', 'mul'].includes(algorithm)
      ? x
      : composer.reduce(algorithm, x, axes);

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

export const reductions: readonly OperatorDefinition[] = [
  reduction({
    op: 'ReduceMean',
    axesInput: 18,
    compose: direct('mean'),
    anyType: true,
    apply: (values) => sum(values) / values.length,
  }),
  reduction({ op: 'ReduceSum', axesInput: 13, compose: direct('sum'), anyType: true, apply: sum }),
  reduction({
    op: 'ReduceMax',
    axesInput: 18,
    compose: direct('max'),
    anyType: true,
    apply: (values) => values.reduce((a, b) => Math.max(a, b), -Infinity),
  }),
  reduction({
    op: 'ReduceMin',
    axesInput: 18,
    compose: direct('min'),
    anyType: true,
    apply: (values) => values.reduce((a, b) => Math.min(a, b), Infinity),
  }),
  reduction({
    op: 'ReduceProd',
    axesInput: 18,
    compose: direct('mul'),
    anyType: true,
    apply: (values) => values.reduce((a, b) => a * b, 1),
  }),
  reduction({ op: 'ReduceL1', axesInput: 18, compose: direct('norm_l1'), anyType: true }),
  reduction({ op: 'ReduceL2', axesInput: 18, compose: direct('norm_l2'), anyType: true }),
  reduction({ op: 'ReduceSumSquare', axesInput: 18, compose: direct('sum_square'), anyType: true }),
  reduction({
    op: 'ReduceLogSum',
    axesInput: 18,
    compose: (composer, x, axes) => composer.map('log', [direct('sum')(composer, x, axes)]),
  }),
  reduction({
    op: 'ReduceLogSumExp',
    axesInput: 18,
    // The greatest element is taken out first, so that no exponential overflows; of nothing at all it is -Infinity.
    compose(composer, x, axes) {
      const least = composer.scalar('float32', -3.4028234663852886e38);
      const greatest = composer.map('max', [direct('max')(composer, x, axes), least]);
      const powers = composer.eltwise('exp', composer.map('sub', [x, greatest]));
      return composer.map('add', [composer.map('log', [direct('sum')(composer, powers, axes)]), greatest]);
    },
  }),
];

function indexOfExtreme(op: string, algorithm: 'max' | 'min'): OperatorDefinition {
  return {
    op,
    inputs: [1, 1],
    quantization: { kind: 'float' },
    anyType: true,
    infer(node) {
      const shape = shapeOf(node);
      if (!shape) return [{ dtype: 'int64', shape: undefined }];
      const axis = normalizeAxis(node, node.attributes.int('axis', 0), shape.length);
      const kept = shape.map((dim, a) => (a === axis ? 1 : dim));
      const keep = node.attributes.int('keepdims', 1) !== 0;
      return [{ dtype: 'int64', shape: keep ? kept : kept.filter((_, a) => a !== axis) }];
    },
    lower(node, lowering) {
      const composer = new Composer(node, lowering);
      const x = composer.input(0);
      const axis = normalizeAxis(node, node.attributes.int('axis', 0), x.dims.length);
      const dims = x.dims.map((dim, a) => (a === axis ? 1 : dim));
      composer.finish(
        composer.step('arg_reduction', [x], 'int64', dims, {
          axis: { i64: axis },
          algorithm: { text: algorithm },
          last: { i64: node.attributes.int('select_last_index', 0) },
        }),
      );
    },
  };
}

export const argMax = indexOfExtreme('ArgMax', 'max');
export const argMin = indexOfExtreme('ArgMin', 'min');

/** The indices of the greatest elements come from a kernel, the elements by gathering them. */
export const topK: OperatorDefinition = {
  op: 'TopK',
  inputs: [1, 2],
  outputs: [1, 2],
  quantization: { kind: 'float' },
  anyType: true,
  parameters: [1],
  infer(node, opset) {
    const shape = shapeOf(node, 0, 1);
    const result = shape && [...shape];
    if (result)
      result[normalizeAxis(node, node.attributes.int('axis', -1), shape.length)] =
        countOf(node, opset) ?? null;
    return [
      { dtype: realType(node), shape: result },
      { dtype: 'int64', shape: result },
    ];
  },
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const x = composer.input(0);
    const axis = normalizeAxis(node, node.attributes.int('axis', -1), x.dims.length);
    const known = node.outputs.find((value) => value !== undefined)!;
    const dims = lowering.dims(known);
    const indices = composer.step('top_k', [x], 'int64', dims, {
      axis: { i64: axis },
      largest: { i64: node.attributes.int('largest', 1) },
    });
    if (node.outputs[0]) {
      composer.finish(
        composer.step('gather_elements', [x, indices], x.dtype, dims, { axis: { i64: axis } }),
        0,
      );
    }
    if (node.outputs[1]) composer.finish(indices, 1);
  },
};

function countOf(node: Node, opset: number): number | undefined {
  return opset < 10 ? node.attributes.int('k') : constantInts(node, 1)?.[0];
}

function cumulation(op: string, algorithm: string): OperatorDefinition {
  return {
    op,
    inputs: [2, 2],
    quantization: { kind: 'float' },
    anyType: true,
    parameters: [1],
    infer: (node) => [{ dtype: realType(node), shape: shapeOf(node, 0, 1) }],
    fold(node) {
      const x = node.inputs[0]!.constant!;
      if (
        !isFloat(x.dtype) &&
        x.dims.length === 1 &&
        !node.attributes.int('exclusive', 0) &&
        !node.attributes.int('reverse', 0)
      ) {
        let total = algorithm === 'mul' ? 1 : 0;
        const numbers = x
          .toNumbers()
          .map((value) => (total = algorithm === 'mul' ? total * value : total + value));
        return [fromNumbers(x.dtype, x.dims, numbers)];
      }
      return undefined;
    },
    lower(node, lowering) {
      const composer = new Composer(node, lowering);
      const x = composer.input(0);
      const axis = normalizeAxis(node, requiredInts(node, 1)[0]!, x.dims.length);
      composer.finish(
        composer.step('cumulation', [x], x.dtype, x.dims, {
          algorithm: { text: algorithm },
          axis: { i64: axis },
          exclusive: { i64: node.attributes.int('exclusive', 0) },
          reverse: { i64: node.attributes.int('reverse', 0) },
        }),
      );
    },
  };
}

export const cumSum = cumulation('CumSum', 'sum');
export const cumProd = cumulation('CumProd', 'mul');
