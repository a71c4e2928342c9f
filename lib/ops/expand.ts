import { Constant } from '../graph/constant';
import { elementCount } from '../graph/data-type';
import type { Dim, Node, Shape } from '../graph/graph';
import type { OperatorDefinition } from './definition';
import { Composer } from './support/composer';
import { broadcastStrides, gatherStrided, stridesOf } from './support/elements';
import {
  broadcast,
  constantInts,
  dtypeOf,
  input,
  normalizeAxis,
  output,
  requiredInts,
  shapeError,
  shapeOf,
} from './support/shapes';

const moves = { kind: 'passThrough', moves: true, data: 'first' } as const;

function expandedShape(node: Node): Shape | undefined {
  const wanted = constantInts(node, 1);
  if (wanted) return broadcast(node, [shapeOf(node), wanted]);
  const rank = input(node, 1).dims?.[0];
  const own = shapeOf(node)?.length;
  return rank === undefined || own === undefined ? undefined : new Array<Dim>(Math.max(rank, own)).fill(null);
}

export const expand: OperatorDefinition = {
  op: 'Expand',
  anyType: true,
  parameters: [1],
  inputs: [2, 2],
  quantization: moves,
  infer: (node) => [{ dtype: dtypeOf(node), shape: expandedShape(node) }],
  fold(node) {
    const x = node.inputs[0]!.constant!;
    const dims = expandedShape(node) as number[];
    return [gatherStrided(x, dims, broadcastStrides(x.dims, dims))];
  },
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const x = composer.input(0);
    const dims = lowering.dims(output(node));
    composer.finish(composer.view(x, dims, broadcastStrides(x.dims, dims)));
  },
};

/** Every axis becomes two, of which the outer one steps over nothing: dims [r0, d0, r1, d1, ...]. */
function tiling(dims: readonly number[], repeats: readonly number[]): { dims: number[]; strides: number[] } {
  const strides = stridesOf(dims);
  return {
    dims: dims.flatMap((dim, axis) => [repeats[axis]!, dim]),
    strides: dims.flatMap((_, axis) => [0, strides[axis]!]),
  };
}

export const tile: OperatorDefinition = {
  op: 'Tile',
  anyType: true,
  parameters: [1],
  inputs: [2, 2],
  quantization: moves,
  infer(node) {
    const shape = shapeOf(node);
    const repeats = shape && constantInts(node, 1);
    if (repeats && repeats.length !== shape.length) {
      throw shapeError(node, `expected ${shape.length} repeats but received [${repeats.join(', ')}].`);
    }
    const times = (dim: Dim, axis: number): Dim =>
      repeats![axis] === 1 ? dim : typeof dim === 'number' ? dim * repeats![axis]! : null;
    return [{ dtype: dtypeOf(node), shape: shape?.map((dim, axis) => (repeats ? times(dim, axis) : null)) }];
  },
  fold(node) {
    const x = node.inputs[0]!.constant!;
    const repeats = constantInts(node, 1)!;
    const { dims, strides } = tiling(x.dims, repeats);
    const tiled = gatherStrided(x, dims, strides);
    return [
      new Constant(
        x.dtype,
        x.dims.map((dim, axis) => dim * repeats[axis]!),
        tiled.bytes,
      ),
    ];
  },
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const x = composer.input(0);
    // Repeats that nobody knows have left the output's shape unknown, which is reported there.
    const target = lowering.dims(output(node));
    const { dims, strides } = tiling(x.dims, constantInts(node, 1)!);
    composer.finish(composer.reshape(composer.view(x, dims, strides), target));
  },
};

/** Blocks of channels to pixels: a reshape, a transpose and a reshape. */
export const depthToSpace: OperatorDefinition = {
  op: 'DepthToSpace',
  anyType: true,
  inputs: [1, 1],
  quantization: moves,
  infer(node) {
    const b = blockSize(node);
    const x = shapeOf(node, 0, 4);
    const scaled = (dim: Dim, factor: number): Dim => (typeof dim === 'number' ? dim * factor : null);
    const shape = x && [x[0]!, divided(node, x[1]!, b * b), scaled(x[2]!, b), scaled(x[3]!, b)];
    return [{ dtype: dtypeOf(node), shape }];
  },
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const x = composer.input(0);
    const [n, c, h, w] = x.dims as [number, number, number, number];
    const b = blockSize(node);
    const columnsFirst = node.attributes.string('mode', 'DCR') === 'CRD';
    const split = columnsFirst ? [n, c / (b * b), b, b, h, w] : [n, b, b, c / (b * b), h, w];
    const order = columnsFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
    const moved = composer.transpose(composer.reshape(x, split), order);
    composer.finish(composer.reshape(moved, [n, c / (b * b), h * b, w * b]));
  },
};

export const spaceToDepth: OperatorDefinition = {
  op: 'SpaceToDepth',
  anyType: true,
  inputs: [1, 1],
  quantization: moves,
  infer(node) {
    const b = blockSize(node);
    const x = shapeOf(node, 0, 4);
    const channels = x && (typeof x[1] === 'number' ? x[1] * b * b : null);
    return [
      {
        dtype: dtypeOf(node),
        shape: x && [x[0]!, channels!, divided(node, x[2]!, b), divided(node, x[3]!, b)],
      },
    ];
  },
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const x = composer.input(0);
    const [n, c, h, w] = x.dims as [number, number, number, number];
    const b = blockSize(node);
    const columnsFirst = node.attributes.string('mode', 'DCR') === 'CRD';
    const split = composer.reshape(x, [n, c, h / b, b, w / b, b]);
    const moved = composer.transpose(split, columnsFirst ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4]);
    composer.finish(composer.reshape(moved, [n, c * b * b, h / b, w / b]));
  },
};

function blockSize(node: Node): number {
  const size = node.attributes.int('blocksize');
  if (size === undefined || size < 1) throw shapeError(node, 'expected a positive attribute blocksize.');
  return size;
}

function divided(node: Node, dim: Dim, divisor: number): Dim {
  if (typeof dim !== 'number') return null;
  if (dim % divisor !== 0) throw shapeError(node, `expected ${dim} to be a multiple of ${divisor}.`);
  return dim / divisor;
}

/** Keeps one triangle of each matrix. */
export const trilu: OperatorDefinition = {
  op: 'Trilu',
  anyType: true,
  parameters: [1],
  inputs: [1, 2],
  quantization: { kind: 'float' },
  infer: (node) => [{ dtype: dtypeOf(node), shape: shapeOf(node, 0, 2) }],
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const x = composer.input(0);
    if (elementCount(x.dims) === 0) return composer.finish(x);
    const [rows, columns] = x.dims.slice(-2) as [number, number];
    const k = node.inputs[1] ? requiredInts(node, 1)[0]! : 0;
    const upper = node.attributes.int('upper', 1) !== 0;
    const mask = Array.from({ length: rows * columns }, (_, i) => {
      const distance = (i % columns) - Math.floor(i / columns);
      return Number(upper ? distance >= k : distance <= k);
    });
    const kept = composer.constant('bool', [rows, columns], mask);
    composer.finish(composer.map('where', [kept, x, composer.scalar(x.dtype, 0)]));
  },
};

export const where: OperatorDefinition = {
  op: 'Where',
  anyType: true,
  inputs: [3, 3],
  quantization: { kind: 'float' },
  infer(node) {
    const shapes = node.inputs.map((value) => value?.shape);
    return [{ dtype: dtypeOf(node, 1), shape: broadcast(node, shapes) }];
  },
  fold(node) {
    const [condition, a, b] = node.inputs.map((value) => value!.constant!);
    const dims = broadcast(
      node,
      [condition!, a!, b!].map((constant) => constant.dims),
    ) as number[];
    const spread = [condition!, a!, b!].map((constant) =>
      gatherStrided(constant, dims, broadcastStrides(constant.dims, dims)),
    );
    const [mask, yes, no] = spread.map((constant) => constant.array);
    const result = gatherStrided(spread[1]!, dims, stridesOf(dims));
    for (let i = 0; i < mask!.length; ++i) result.array[i] = (mask![i] ? yes! : no!)[i] as never;
    return [result];
  },
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    composer.finish(composer.map('where', [composer.input(0), composer.input(1), composer.input(2)]));
  },
};

/** Compares the indices, laid along a new axis, with every position of it. */
export const oneHot: OperatorDefinition = {
  op: 'OneHot',
  anyType: true,
  parameters: [1],
  inputs: [3, 3],
  quantization: { kind: 'float' },
  infer(node) {
    const dtype = dtypeOf(node, 2);
    const shape = shapeOf(node);
    if (!shape) return [{ dtype, shape: undefined }];
    const axis = normalizeAxis(node, node.attributes.int('axis', -1), shape.length + 1);
    const depth = constantInts(node, 1)?.[0] ?? null;
    return [{ dtype, shape: [...shape.slice(0, axis), depth, ...shape.slice(axis)] }];
  },
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const [indices, values] = [composer.input(0), composer.input(2)];
    const depth = requiredInts(node, 1)[0]!;
    const rank = indices.dims.length + 1;
    const axis = normalizeAxis(node, node.attributes.int('axis', -1), rank);
    const laid = composer.reshape(indices, [...indices.dims.slice(0, axis), 1, ...indices.dims.slice(axis)]);
    const positions = Array.from({ length: depth }, (_, i) => i);
    const along = Array.from({ length: rank }, (_, a) => (a === axis ? depth : 1));
    const hits = (offset: number) =>
      composer.map('eq', [
        laid,
        composer.constant(
          indices.dtype,
          along,
          positions.map((i) => i + offset),
        ),
      ]);
    const signed = !indices.dtype.startsWith('u');
    // Negative indices count from the end.
    const hot = signed ? composer.map('or', [hits(0), hits(-depth)]) : hits(0);
    const one = (index: number) => composer.slice(values, [index], [1]);
    composer.finish(composer.map('where', [hot, one(1), one(0)]));
  },
};
