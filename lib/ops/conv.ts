import type { Node, Shape } from '../graph/graph';
import type { LinearTrait, OperatorDefinition } from './definition';
import { planPostOps } from './support/post-ops';
import { floatOf, input, output, shapeError, shapeOf, sameDim, formatShape } from './support/shapes';
import { resolveWindow, windowParams } from './support/spatial';

const linear: LinearTrait = {
  outputChannelAxis: () => 0,
  resultChannelAxis: () => 1,
  inputChannels: (node) => ({ axis: 1, groups: node.attributes.int('group', 1) }),
  window: (node, dims) => resolveWindow(node, dims, input(node, 1).dims!.slice(2)).window,
  acceptsBias: true,
  family: 'convolution',
  quantizable: (node) => node.inputs[1]?.constant !== undefined && (input(node, 1).shape?.length ?? 0) >= 3,
};

/** The shape of a convolution of input 0 with the weights of input 1. */
export function convolutionShape(node: Node): Shape | undefined {
  const x = shapeOf(node, 0, 3);
  const weights = input(node, 1).dims;
  if (!x || !weights) return undefined;
  if (weights.length !== x.length) {
    throw shapeError(
      node,
      `expected weights of ${x.length} dimensions but their shape is ${formatShape(weights)}.`,
    );
  }
  const groups = node.attributes.int('group', 1);
  if (groups < 1 || weights[0]! % groups !== 0) {
    throw shapeError(
      node,
      `expected ${weights[0]} output channels to divide by group but group is ${groups}.`,
    );
  }
  const channels = x[1]!;
  if (channels !== null && typeof channels === 'number' && !sameDim(channels, weights[1]! * groups)) {
    throw shapeError(
      node,
      `expected ${weights[1]! * groups} input channels but the data's shape is ${formatShape(x)}.`,
    );
  }
  const kernel = node.attributes.ints('kernel_shape') ?? weights.slice(2);
  if (kernel.join() !== weights.slice(2).join()) {
    throw shapeError(
      node,
      `kernel_shape [${kernel.join(', ')}] differs from the weights' shape ${formatShape(weights)}.`,
    );
  }
  return [x[0]!, weights[0]!, ...resolveWindow(node, x, kernel).spatial];
}

export const conv: OperatorDefinition = {
  op: 'Conv',
  inputs: [2, 3],
  quantization: { kind: 'linear' },
  linear,
  infer(node) {
    const weights = input(node, 1).dims;
    const bias = node.inputs[2]?.dims;
    if (weights && bias && (bias.length !== 1 || bias[0] !== weights[0])) {
      throw shapeError(
        node,
        `expected a bias of shape [${weights[0]}] but its shape is ${formatShape(bias)}.`,
      );
    }
    return [{ dtype: floatOf(node), shape: convolutionShape(node) }];
  },
  lower(node, lowering) {
    const x = input(node, 0);
    const weights = lowering.dims(input(node, 1));
    const { window } = resolveWindow(node, lowering.dims(x), weights.slice(2));
    lowering.step({
      kernel: 'convolution',
      name: node.name,
      sources: sourcesOf(node, (value) => lowering.value(value)),
      destinations: [lowering.value(output(node))],
      params: { ...windowParams(window!), groups: { i64: node.attributes.int('group', 1) } },
      postOps: planPostOps(node),
    });
  },
};

/** The sources of a weighted step: data, weights, bias or -1, then what post-ops name, at the node's own indices. */
export function sourcesOf(node: Node, value: (v: NonNullable<Node['inputs'][number]>) => number): number[] {
  const sources = node.inputs.map((v) => (v ? value(v) : -1));
  while (sources.length < 3) sources.push(-1);
  return sources;
}
