import type { DataType } from '../graph/data-type';
import type { Node } from '../graph/graph';
import type { Lowering, OperatorDefinition } from './definition';
import { dtypeOf, input, output, shapeError, shapeOf } from './support/shapes';
import { coverLastWindow, resolveWindow, windowParams, type Window } from './support/spatial';
import { Calibr8Error } from '../errors';

function kernelOf(node: Node): readonly number[] {
  const kernel = node.attributes.ints('kernel_shape');
  if (!kernel) throw shapeError(node, 'expected the attribute kernel_shape but it is absent.');
  return kernel;
}

/** Averages of quantized numbers leave the grid: unless the result is quantized too, they are real. */
function averageType(node: Node): DataType {
  return input(node, 0).quantization && !output(node).quantization ? 'float32' : dtypeOf(node);
}

function inferWindow(node: Node, averages: boolean): ReturnType<OperatorDefinition['infer']> {
  const dtype = averages ? averageType(node) : dtypeOf(node);
  const x = shapeOf(node, 0, 3);
  const shape = x && [x[0]!, x[1]!, ...resolveWindow(node, x, kernelOf(node)).spatial];
  if (node.outputs[1]) {
    throw new Calibr8Error(
      'UNSUPPORTED_OPERATOR',
      `${node.label}: the indices of MaxPool are not supported.`,
    );
  }
  return [{ dtype, shape }];
}

function lowerWindow(node: Node, lowering: Lowering, algorithm: string): void {
  const dims = lowering.dims(input(node, 0));
  const { window, spatial } = resolveWindow(node, dims, kernelOf(node));
  const covered = coverLastWindow(window!, dims.slice(2), spatial as number[]);
  const beyond = covered.padsEnd.some((end, axis) => end > window!.padsEnd[axis]!);
  const source = lowering.value(input(node, 0));
  const pooled =
    algorithm === 'average_include_padding' && beyond
      ? padFirst(node, lowering, window!, covered)
      : { source, algorithm, window: covered };
  lowering.step({
    kernel: 'pooling',
    name: node.name,
    sources: [pooled.source],
    destinations: [lowering.value(output(node))],
    params: {
      algorithm: { text: pooled.algorithm },
      kernel: { i64s: pooled.window.kernel },
      ...windowParams(pooled.window),
    },
  });
}

/**
 * With ceil_mode the last window may reach beyond the padding. What lies there does not count although padding does, and
 * the kernel knows one kind of padding only: so the padding that counts becomes elements.
 */
function padFirst(
  node: Node,
  lowering: Lowering,
  window: Window,
  covered: Window,
): { source: number; algorithm: string; window: Window } {
  const x = input(node, 0);
  const dims = lowering.dims(x);
  const padded = dims.map((dim, axis) =>
    axis < 2 ? dim : dim + window.padsBegin[axis - 2]! + window.padsEnd[axis - 2]!,
  );
  const source = lowering.temporary(`${node.name}/padded`, dtypeOf(node), padded, x.quantization);
  lowering.step({
    kernel: 'pad',
    name: `${node.name}/pad`,
    sources: [lowering.value(x)],
    destinations: [source],
    params: {
      padsBegin: { i64s: [0, 0, ...window.padsBegin] },
      padsEnd: { i64s: [0, 0, ...window.padsEnd] },
      value: { f64: 0 },
    },
  });
  return {
    source,
    algorithm: 'average_exclude_padding',
    window: {
      ...covered,
      padsBegin: window.padsBegin.map(() => 0),
      padsEnd: covered.padsEnd.map((end, axis) => end - window.padsEnd[axis]!),
    },
  };
}

export const maxPool: OperatorDefinition = {
  op: 'MaxPool',
  inputs: [1, 1],
  outputs: [1, 2],
  quantization: { kind: 'passThrough', moves: false, data: 'first' },
  infer: (node) => inferWindow(node, false),
  lower: (node, lowering) => lowerWindow(node, lowering, 'max'),
};

export const averagePool: OperatorDefinition = {
  op: 'AveragePool',
  inputs: [1, 1],
  quantization: { kind: 'passThrough', moves: false, averages: true, data: 'first' },
  infer: (node) => inferWindow(node, true),
  lower(node, lowering) {
    const counts = node.attributes.int('count_include_pad', 0) !== 0;
    lowerWindow(node, lowering, counts ? 'average_include_padding' : 'average_exclude_padding');
  },
};

function globalPool(op: string, algorithm: string, averages: boolean): OperatorDefinition {
  return {
    op,
    inputs: [1, 1],
    quantization: {
      kind: 'passThrough',
      moves: false,
      data: 'first',
      ...(averages ? { averages: true as const } : {}),
    },
    infer(node) {
      const x = shapeOf(node, 0, 3);
      return [
        {
          dtype: averages ? averageType(node) : dtypeOf(node),
          shape: x && x.map((dim, axis) => (axis < 2 ? dim : 1)),
        },
      ];
    },
    lower(node, lowering) {
      const kernel = lowering.dims(input(node, 0)).slice(2);
      const window = {
        kernel,
        strides: kernel.map(() => 1),
        dilations: kernel.map(() => 1),
        padsBegin: kernel.map(() => 0),
        padsEnd: kernel.map(() => 0),
      };
      lowering.step({
        kernel: 'pooling',
        name: node.name,
        sources: [lowering.value(input(node, 0))],
        destinations: [lowering.value(output(node))],
        params: { algorithm: { text: algorithm }, kernel: { i64s: kernel }, ...windowParams(window) },
      });
    },
  };
}

export const globalAveragePool = globalPool('GlobalAveragePool', 'average_exclude_padding', true);
export const globalMaxPool = globalPool('GlobalMaxPool', 'max', false);
