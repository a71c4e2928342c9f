import { Calibr8Error } from '../errors';
import { Constant } from '../graph/constant';
import { elementCount } from '../graph/data-type';
import type { Dim, Node, Shape } from '../graph/graph';
import type { Lowering, OperatorDefinition } from './definition';
import {
  constantInts,
  dtypeOf,
  formatShape,
  input,
  normalizeAxis,
  output,
  sameShape,
  shapeError,
  shapeOf,
} from './support/shapes';

/** Operators that only change dims. `target` gives the new shape from the data's. */
function shaping(
  op: string,
  inputs: readonly [number, number],
  target: (node: Node, shape: Shape, opset: number) => Shape | undefined,
): OperatorDefinition {
  return {
    op,
    inputs,
    quantization: { kind: 'passThrough', moves: true, data: 'first' },
    anyType: true,
    parameters: [1],
    infer(node, opset) {
      const dtype = dtypeOf(node);
      const shape = shapeOf(node);
      return [{ dtype, shape: shape && target(node, shape, opset) }];
    },
    fold(node, opset) {
      const x = node.inputs[0]!.constant!;
      const dims = target(node, x.dims, opset);
      return dims && [new Constant(x.dtype, dims as number[], x.bytes)];
    },
    identity: (node) => sameShape(node.inputs[0]?.shape, node.outputs[0]?.shape),
    reshapes: true,
    channelwise: keepsChannels,
    lower: lowerReshape,
  };
}

/** True from [N, C, 1, ...] to [N, C, 1, ...] of any ranks: only then are the elements of a channel together in axis 1. */
function keepsChannels(node: Node): boolean {
  const [before, after] = [node.inputs[0]?.shape, node.outputs[0]?.shape];
  if (!before || !after || typeof before[1] !== 'number' || before[1] !== after[1]) return false;
  return [before, after].every((shape) => shape.slice(2).every((dim) => dim === 1));
}

function lowerReshape(node: Node, lowering: Lowering): void {
  lowering.step({
    kernel: 'reshape',
    name: node.name,
    sources: [lowering.value(input(node, 0))],
    destinations: [lowering.value(output(node))],
  });
}

const product = (dims: readonly Dim[]): Dim => {
  if (dims.every((dim) => typeof dim === 'number')) return elementCount(dims as number[]);
  // One symbol among ones keeps its name, which is how a batch dimension survives Flatten.
  const others = dims.filter((dim) => dim !== 1);
  return others.length === 1 ? others[0]! : null;
};

export const flatten = shaping('Flatten', [1, 1], (node, shape) => {
  const raw = node.attributes.int('axis', 1);
  const axis = raw === shape.length ? raw : normalizeAxis(node, raw, shape.length);
  return [product(shape.slice(0, axis)), product(shape.slice(axis))];
});

export const reshape = shaping('Reshape', [2, 2], (node, shape) => {
  const wanted = constantInts(node, 1);
  if (!wanted) {
    const rank = node.inputs[1]?.dims?.[0];
    return rank === undefined ? undefined : new Array<Dim>(rank).fill(null);
  }
  const allowZero = node.attributes.int('allowzero', 0) !== 0;
  const result: Dim[] = wanted.map((dim, axis) => (dim === 0 && !allowZero ? shape[axis]! : dim));
  const open = result.indexOf(-1);
  if (open >= 0)
    result[open] = remaining(
      shape,
      result.filter((_, axis) => axis !== open),
    );
  const [before, after] = [product(shape), product(result)];
  if (typeof before === 'number' && typeof after === 'number' && before !== after) {
    throw shapeError(
      node,
      `cannot reshape ${formatShape(shape)} to [${wanted.join(', ')}]: ${before} elements against ${after}.`,
    );
  }
  return result;
});

/** The size of the -1 of a reshape: equal dimensions cancel, the rest must be known. */
function remaining(from: Shape, to: readonly Dim[]): Dim {
  const left = [...from];
  const rest: Dim[] = [];
  for (const dim of to) {
    const match = left.findIndex((other) => other !== null && other === dim);
    if (match >= 0) left.splice(match, 1);
    else rest.push(dim);
  }
  const divisor = product(rest);
  const total = product(left);
  if (divisor === 1) return total;
  return typeof total === 'number' && typeof divisor === 'number' && divisor !== 0
    ? Math.floor(total / divisor)
    : null;
}

export const squeeze = shaping('Squeeze', [1, 2], (node, shape, opset) => {
  const axes = opset < 13 ? node.attributes.ints('axes') : node.inputs[1] && constantInts(node, 1);
  if (node.inputs[1] && !axes) return undefined;
  const drop = new Set(axes?.map((axis) => normalizeAxis(node, axis, shape.length)));
  return shape.filter((dim, axis) => (axes ? !drop.has(axis) : dim !== 1));
});

export const unsqueeze = shaping('Unsqueeze', [1, 2], (node, shape, opset) => {
  const axes = opset < 13 ? node.attributes.ints('axes') : constantInts(node, 1);
  if (!axes) return undefined;
  const rank = shape.length + axes.length;
  const added = new Set(axes.map((axis) => normalizeAxis(node, axis, rank)));
  const rest = [...shape];
  return Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : rest.shift()!));
});

/** Training drops elements at random, which nobody wants of an inference; without a ratio it drops none. */
function refuseTraining(node: Node): void {
  const [ratio, training] = [1, 2].map((index) => constantInts(node, index)?.[0]);
  if (!training || ratio === 0) return;
  throw new Calibr8Error(
    'UNSUPPORTED_OPERATOR',
    `${node.label}: training_mode with a ratio of ${ratio ?? 0.5} is not supported; export the model for inference.`,
  );
}

/** Identity and, at inference, Dropout. */
function pass(
  op: string,
  inputs: readonly [number, number],
  outputs: readonly [number, number],
): OperatorDefinition {
  return {
    op,
    inputs,
    outputs,
    ...(inputs[1] > 1 && { parameters: [1, 2] }),
    quantization: { kind: 'passThrough', moves: true, data: 'first' },
    anyType: true,
    infer(node) {
      refuseTraining(node);
      return [
        { dtype: dtypeOf(node), shape: shapeOf(node) },
        ...(node.outputs.length > 1 ? [{ dtype: 'bool' as const, shape: shapeOf(node) }] : []),
      ];
    },
    identity: () => true,
    lower(node, lowering) {
      lowerReshape(node, lowering);
      const mask = node.outputs[1];
      if (!mask) return;
      // At inference Dropout keeps every element.
      const dims = lowering.dims(mask);
      const all = Constant.from('bool', dims, new Uint8Array(elementCount(dims)).fill(1));
      lowering.step({
        kernel: 'reorder',
        name: `${node.name}/mask`,
        sources: [lowering.constant(`${node.name}/all`, all)],
        destinations: [lowering.value(mask)],
      });
    },
  };
}

export const identity = pass('Identity', [1, 1], [1, 1]);
export const dropout = pass('Dropout', [1, 3], [1, 2]);
