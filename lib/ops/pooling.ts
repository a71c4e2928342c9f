import { elementCount, type DataType } from '../graph/data-type';
import type { Node, Shape } from '../graph/graph';
import type { Lowering, OperatorDefinition, Window } from './definition';
import { Composer, type Term } from './support/composer';
import { constantInts, dtypeOf, floatOf, input, output, shapeError, shapeOf } from './support/shapes';
import { coverLastWindow, readPads, resolveWindow, windowParams } from './support/spatial';

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
  return [
    { dtype, shape },
    { dtype: 'int64', shape },
  ];
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
  channelwise: () => true,
  infer: (node) => inferWindow(node, false),
  lower(node, lowering) {
    lowerWindow(node, lowering, 'max');
    if (node.outputs[1]) lowerIndices(node, lowering);
  },
};

/** Which element of the input each maximum is, counting rows before columns or, with storage_order, columns before rows. */
function lowerIndices(node: Node, lowering: Lowering): void {
  const composer = new Composer(node, lowering);
  const x = composer.input(0);
  const { window } = resolveWindow(node, x.dims, kernelOf(node));
  const dims = lowering.dims(output(node, 1));
  const places = composer.step('pooling_indices', [x], 'int64', dims, {
    kernel: { i64s: window!.kernel },
    ...windowParams(window!),
  });
  const [height, width] = x.dims.slice(2);
  if (!node.attributes.int('storage_order', 0) || width === undefined) return composer.finish(places, 1);
  if (x.dims.length > 4)
    throw shapeError(node, 'expected storage_order 1 with one or two spatial axes only.');
  const number = (value: number): Term => composer.scalar('int64', value);
  const plane = composer.map('div', [places, number(height! * width)]);
  const inPlane = composer.map('mod', [places, number(height! * width)]);
  const row = composer.map('div', [inPlane, number(width)]);
  const column = composer.map('mod', [inPlane, number(width)]);
  const place = composer.map('add', [composer.map('mul', [column, number(height!)]), row]);
  composer.finish(composer.map('add', [composer.map('mul', [plane, number(height! * width)]), place]), 1);
}

/** Puts each element where a MaxPool found it, zeros elsewhere. */
export const maxUnpool: OperatorDefinition = {
  op: 'MaxUnpool',
  inputs: [2, 3],
  quantization: { kind: 'float' },
  parameters: [2],
  infer(node) {
    const x = shapeOf(node, 0, 3);
    return [{ dtype: dtypeOf(node), shape: x && unpooledShape(node, x) }];
  },
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const [x, indices] = [composer.input(0), composer.input(1)];
    const dims = lowering.dims(output(node));
    const count = elementCount(dims);
    // The indices count elements of the smallest shape that fits, whatever shape is wanted.
    const smallest = unpooledSizes(node, x.dims) as number[];
    const flat = (term: Term): Term => composer.reshape(term, [elementCount(term.dims)]);
    const size = elementCount(smallest);
    const zeros = composer.constant('float32', [size], new Float32Array(size));
    const params = { axis: { i64: 0 }, algorithm: { text: 'none' } };
    const filled = composer.step(
      'scatter_elements',
      [zeros, flat(indices), flat(x)],
      'float32',
      [size],
      params,
    );
    const shaped = composer.reshape(filled, smallest);
    if (size === count) return composer.finish(shaped);
    composer.finish(
      composer.step('pad', [shaped], 'float32', dims, {
        padsBegin: { i64s: dims.map(() => 0) },
        padsEnd: { i64s: dims.map((dim, axis) => dim - smallest[axis]!) },
        value: { f64: 0 },
      }),
    );
  },
};

function unpooledShape(node: Node, x: Shape): Shape {
  return node.inputs[2] ? (constantInts(node, 2) ?? x.map(() => null)) : unpooledSizes(node, x);
}

function unpooledSizes(node: Node, x: Shape): Shape {
  const kernel = kernelOf(node);
  const strides = node.attributes.ints('strides') ?? kernel.map(() => 1);
  const pads = readPads(node, kernel.length);
  return x.map((dim, axis) => {
    if (axis < 2 || typeof dim !== 'number') return dim;
    const a = axis - 2;
    return (dim - 1) * strides[a]! + kernel[a]! - pads[a]! - pads[a + kernel.length]!;
  });
}

/** (sum of |x|^p over the window)^(1/p): an average of powers, times the window's size. */
export const lpPool: OperatorDefinition = {
  op: 'LpPool',
  inputs: [1, 1],
  quantization: { kind: 'float' },
  infer(node) {
    floatOf(node);
    return [inferWindow(node, false)[0]!];
  },
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const x = composer.input(0);
    const { window, spatial } = resolveWindow(node, x.dims, kernelOf(node));
    const covered = coverLastWindow(window!, x.dims.slice(2), spatial as number[]);
    const dims = lowering.dims(output(node));
    const root = powerMean(composer, x, node, covered, dims);
    composer.finish(root);
  },
};

function powerMean(composer: Composer, x: Term, node: Node, window: Window, dims: readonly number[]): Term {
  const p = node.attributes.int('p', 2);
  const powers =
    p === 2 ? composer.eltwise('square', x) : composer.eltwise('pow', composer.eltwise('abs', x), 1, p);
  // Zeros of the padding count like any element, so every sum is the mean times the window's size.
  const mean = composer.step('pooling', [powers], 'float32', dims, {
    algorithm: { text: 'average_include_padding' },
    kernel: { i64s: window.kernel },
    ...windowParams(window),
  });
  const sum = composer.eltwise('linear', mean, elementCount(window.kernel));
  return p === 2 ? composer.eltwise('sqrt', sum) : composer.eltwise('pow', sum, 1, 1 / p);
}

export const globalLpPool: OperatorDefinition = {
  op: 'GlobalLpPool',
  inputs: [1, 1],
  quantization: { kind: 'float' },
  infer(node) {
    const x = shapeOf(node, 0, 3);
    return [{ dtype: floatOf(node), shape: x && x.map((dim, axis) => (axis < 2 ? dim : 1)) }];
  },
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const x = composer.input(0);
    const kernel = x.dims.slice(2);
    composer.finish(powerMean(composer, x, node, wholeWindow(kernel), lowering.dims(output(node))));
  },
};

export const averagePool: OperatorDefinition = {
  op: 'AveragePool',
  inputs: [1, 1],
  quantization: { kind: 'passThrough', moves: false, averages: true, data: 'first' },
  channelwise: () => true,
  infer: (node) => inferWindow(node, true),
  lower(node, lowering) {
    const counts = node.attributes.int('count_include_pad', 0) !== 0;
    lowerWindow(node, lowering, counts ? 'average_include_padding' : 'average_exclude_padding');
  },
};

function wholeWindow(kernel: readonly number[]): Window {
  const fill = (value: number): number[] => kernel.map(() => value);
  return { kernel, strides: fill(1), dilations: fill(1), padsBegin: fill(0), padsEnd: fill(0) };
}

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
    channelwise: () => true,
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
      const window = wholeWindow(kernel);
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
