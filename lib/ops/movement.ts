import { Constant } from '../graph/constant';
import { elementCount } from '../graph/data-type';
import type { Dim, Node, Shape } from '../graph/graph';
import type { ChannelMoves, OperatorDefinition } from './definition';
import { Composer } from './support/composer';
import { allocate, gatherStrided, stridesOf } from './support/elements';
import {
  constantInts,
  dtypeOf,
  formatShape,
  isComputed,
  input,
  normalizeAxis,
  output,
  sameDim,
  shapeError,
  shapeOf,
} from './support/shapes';

const moves = { kind: 'passThrough', moves: true, data: 'first' } as const;

function permutationOf(node: Node, rank: number): readonly number[] {
  const permutation =
    node.attributes.ints('perm') ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  if (
    permutation.length !== rank ||
    new Set(permutation).size !== rank ||
    permutation.some((axis) => axis < 0 || axis >= rank)
  ) {
    throw shapeError(
      node,
      `expected perm to be a permutation of ${rank} axes but received [${permutation.join(', ')}].`,
    );
  }
  return permutation;
}

export const transpose: OperatorDefinition = {
  op: 'Transpose',
  anyType: true,
  inputs: [1, 1],
  quantization: moves,
  permutation: (node) => node.inputs[0]?.shape && permutationOf(node, node.inputs[0].shape.length),
  infer(node) {
    const shape = shapeOf(node);
    return [
      { dtype: dtypeOf(node), shape: shape && permutationOf(node, shape.length).map((axis) => shape[axis]!) },
    ];
  },
  fold(node) {
    const x = node.inputs[0]!.constant!;
    const permutation = permutationOf(node, x.dims.length);
    const strides = stridesOf(x.dims);
    return [
      gatherStrided(
        x,
        permutation.map((axis) => x.dims[axis]!),
        permutation.map((axis) => strides[axis]!),
      ),
    ];
  },
  lower(node, lowering) {
    lowering.step({
      kernel: 'transpose',
      name: node.name,
      sources: [lowering.value(input(node, 0))],
      destinations: [lowering.value(output(node))],
      params: { permutation: { i64s: permutationOf(node, lowering.dims(input(node, 0)).length) } },
    });
  },
};

const range = (count: number, start = 0, step = 1): number[] =>
  Array.from({ length: count }, (_, index) => start + index * step);

function concatAxis(node: Node, rank: number): number {
  const axis = node.attributes.int('axis');
  if (axis === undefined) throw shapeError(node, 'expected the attribute axis but it is absent.');
  return normalizeAxis(node, axis, rank);
}

export const concat: OperatorDefinition = {
  op: 'Concat',
  anyType: true,
  inputs: [1, Infinity],
  quantization: { kind: 'passThrough', moves: true, data: 'all' },
  identity: (node) => node.inputs.length === 1,
  channelMoves(node): ChannelMoves | undefined {
    const dims = node.outputs[0]?.dims;
    if (!dims || concatAxis(node, dims.length) !== 1) return undefined;
    return { inputs: node.inputs.map((_, index) => input(node, index)), outputs: [range(dims[1]!)] };
  },
  infer(node) {
    const dtype = dtypeOf(node);
    const shapes = node.inputs.map((_, index) => shapeOf(node, index));
    if (shapes.some((shape) => shape === undefined)) return [{ dtype, shape: undefined }];
    const known = shapes as Shape[];
    const first = known[0]!;
    const axis = concatAxis(node, first.length);
    const result: Dim[] = first.map((dim, a) => {
      if (a === axis)
        return known.every((shape) => typeof shape[a] === 'number')
          ? known.reduce((sum, shape) => sum + (shape[a] as number), 0)
          : null;
      return known.map((shape) => shape[a]!).find((other) => typeof other === 'number') ?? dim;
    });
    for (const shape of known) {
      const fits =
        shape.length === first.length &&
        shape.every((dim, a) => a === axis || typeof dim !== 'number' || sameDim(dim, result[a]!));
      if (!fits) {
        throw shapeError(
          node,
          `expected shapes that differ along axis ${axis} only but received ${known.map(formatShape).join(', ')}.`,
        );
      }
    }
    return [{ dtype, shape: result }];
  },
  fold(node) {
    const parts = node.inputs.map((value) => value!.constant!);
    const first = parts[0]!;
    const axis = concatAxis(node, first.dims.length);
    const dims = first.dims.map((dim, a) =>
      a === axis ? parts.reduce((sum, part) => sum + part.dims[a]!, 0) : dim,
    );
    const result = allocate(first.dtype, elementCount(dims));
    const inner = (part: Constant): number => elementCount(part.dims.slice(axis));
    const row = parts.reduce((sum, part) => sum + inner(part), 0);
    let start = 0;
    for (const part of parts) {
      const length = inner(part);
      for (let from = 0, to = start; from < part.count; from += length, to += row) {
        result.set(part.array.subarray(from, from + length) as never, to);
      }
      start += length;
    }
    return [Constant.from(first.dtype, dims, result)];
  },
  lower(node, lowering) {
    lowering.step({
      kernel: 'concat',
      name: node.name,
      sources: node.inputs.map((_, index) => lowering.value(input(node, index))),
      destinations: [lowering.value(output(node))],
      params: { axis: { i64: concatAxis(node, lowering.dims(output(node)).length) } },
    });
  },
};

function splitSizes(node: Node, size: Dim, opset: number): (Dim | undefined)[] {
  const given = opset < 13 ? node.attributes.ints('split') : node.inputs[1] && constantInts(node, 1);
  if (given) return [...given];
  if (typeof size !== 'number' || node.inputs[1]) return node.outputs.map(() => null);
  const part = Math.ceil(size / node.outputs.length);
  return node.outputs.map((_, index) => Math.max(0, Math.min(part, size - index * part)));
}

export const split: OperatorDefinition = {
  op: 'Split',
  anyType: true,
  parameters: [1],
  inputs: [1, 2],
  outputs: [1, Infinity],
  quantization: moves,
  channelMoves(node, opset): ChannelMoves | undefined {
    const dims = node.inputs[0]?.dims;
    if (!dims || normalizeAxis(node, node.attributes.int('axis', 0), dims.length) !== 1) return undefined;
    const sizes = splitSizes(node, dims[1]!, opset);
    if (sizes.some((size) => typeof size !== 'number')) return undefined;
    let start = 0;
    const outputs = (sizes as number[]).map((size) => range(size, (start += size) - size));
    return { inputs: [input(node, 0)], outputs };
  },
  infer(node, opset) {
    const dtype = dtypeOf(node);
    const shape = shapeOf(node, 0, 1);
    if (!shape) return node.outputs.map(() => ({ dtype, shape: undefined }));
    const axis = normalizeAxis(node, node.attributes.int('axis', 0), shape.length);
    const sizes = splitSizes(node, shape[axis]!, opset);
    if (sizes.length !== node.outputs.length) {
      throw shapeError(node, `expected ${node.outputs.length} split sizes but received ${sizes.length}.`);
    }
    return sizes.map((size) => ({ dtype, shape: shape.map((dim, a) => (a === axis ? size! : dim)) }));
  },
  fold(node, opset) {
    const x = node.inputs[0]!.constant!;
    const axis = normalizeAxis(node, node.attributes.int('axis', 0), x.dims.length);
    const strides = stridesOf(x.dims);
    let start = 0;
    return (splitSizes(node, x.dims[axis]!, opset) as number[]).map((size) => {
      const dims = x.dims.map((dim, a) => (a === axis ? size : dim));
      const part = gatherStrided(x, dims, strides, start * strides[axis]!);
      start += size;
      return part;
    });
  },
  lower(node, lowering) {
    const dims = lowering.dims(input(node, 0));
    const axis = normalizeAxis(node, node.attributes.int('axis', 0), dims.length);
    let start = 0;
    node.outputs.forEach((value, index) => {
      if (!value) return;
      const size = lowering.dims(value)[axis]!;
      lowering.step({
        kernel: 'slice',
        name: node.outputs.length > 1 ? `${node.name}/${index}` : node.name,
        sources: [lowering.value(input(node, 0))],
        destinations: [lowering.value(value)],
        params: {
          starts: { i64s: dims.map((_, a) => (a === axis ? start : 0)) },
          steps: { i64s: dims.map(() => 1) },
        },
      });
      start += size;
    });
  },
};

interface SliceRange {
  start: number;
  step: number;
  count: number;
}

/** Start, step and count of each axis, undefined where a bound or a needed size is not known. */
function sliceRanges(node: Node, shape: Shape, opset: number): (SliceRange | undefined)[] | undefined {
  const list = (name: string, index: number): readonly number[] | undefined =>
    opset < 10 ? node.attributes.ints(name) : constantInts(node, index);
  const starts = list('starts', 1);
  const ends = list('ends', 2);
  if (!starts || !ends || [3, 4].some((index) => isComputed(node, index))) return undefined;
  const axes = list('axes', 3) ?? starts.map((_, index) => index);
  const steps = (opset >= 10 ? constantInts(node, 4) : undefined) ?? starts.map(() => 1);
  const ranges: (SliceRange | undefined)[] = shape.map((dim) =>
    typeof dim === 'number' ? { start: 0, step: 1, count: dim } : undefined,
  );
  axes.forEach((rawAxis, index) => {
    const axis = normalizeAxis(node, rawAxis, shape.length);
    const size = shape[axis]!;
    const step = steps[index]!;
    if (step === 0) throw shapeError(node, 'expected steps other than 0.');
    if (typeof size !== 'number') {
      ranges[axis] = undefined;
      return;
    }
    const clamp = (position: number, low: number, high: number): number =>
      Math.min(Math.max(position < 0 ? position + size : position, low), high);
    const start = step > 0 ? clamp(starts[index]!, 0, size) : clamp(starts[index]!, 0, size - 1);
    const end = step > 0 ? clamp(ends[index]!, 0, size) : clamp(ends[index]!, -1, size - 1);
    ranges[axis] = { start, step, count: Math.max(0, Math.ceil((end - start) / step)) };
  });
  return ranges;
}

const isWhole = (range: SliceRange | undefined, size: number): boolean =>
  range?.start === 0 && range.step === 1 && range.count === size;

export const slice: OperatorDefinition = {
  op: 'Slice',
  anyType: true,
  parameters: [1, 2, 3, 4],
  inputs: [1, 5],
  quantization: moves,
  channelMoves(node, opset): ChannelMoves | undefined {
    const dims = node.inputs[0]?.dims;
    if (!dims) return undefined;
    const ranges = sliceRanges(node, dims, opset);
    const channels = ranges?.[1];
    if (!channels || ranges.some((each, axis) => axis !== 1 && !isWhole(each, dims[axis]!))) return undefined;
    return { inputs: [input(node, 0)], outputs: [range(channels.count, channels.start, channels.step)] };
  },
  infer(node, opset) {
    const dtype = dtypeOf(node);
    const shape = shapeOf(node);
    const ranges = shape && sliceRanges(node, shape, opset);
    return [
      {
        dtype,
        shape: shape && (ranges ? ranges.map((range) => range?.count ?? null) : shape.map(() => null)),
      },
    ];
  },
  fold(node, opset) {
    const x = node.inputs[0]!.constant!;
    const ranges = sliceRanges(node, x.dims, opset) as SliceRange[] | undefined;
    if (!ranges) return undefined;
    const strides = stridesOf(x.dims);
    const base = ranges.reduce((sum, { start }, axis) => sum + start * strides[axis]!, 0);
    return [
      gatherStrided(
        x,
        ranges.map(({ count }) => count),
        ranges.map(({ step }, axis) => step * strides[axis]!),
        base,
      ),
    ];
  },
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const x = composer.input(0);
    // Bounds that nobody knows have left the output's shape unknown, which is reported there.
    const dims = lowering.dims(output(node));
    const ranges = sliceRanges(node, x.dims, lowering.opset) as SliceRange[];
    const start = ranges.map((range) => range.start);
    if (dims.includes(0)) {
      composer.finish(
        composer.slice(
          x,
          start.map(() => 0),
          dims,
        ),
      );
      return;
    }
    if (ranges.some(({ step }) => step < 0)) {
      const strides = stridesOf(x.dims);
      const first = start.reduce((sum, position, axis) => sum + position * strides[axis]!, 0);
      composer.finish(
        composer.view(
          x,
          dims,
          ranges.map(({ step }, axis) => step * strides[axis]!),
          first,
        ),
      );
      return;
    }
    lowering.step({
      kernel: 'slice',
      name: node.name,
      sources: [x.id],
      destinations: [lowering.value(output(node))],
      params: { starts: { i64s: start }, steps: { i64s: ranges.map(({ step }) => step) } },
    });
  },
};
