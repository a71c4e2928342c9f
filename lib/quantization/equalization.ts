import { Constant } from '../graph/constant';
import type { Graph, Node, Value } from '../graph/graph';
import { operatorOf } from '../ops/registry';
import type { ChannelSpace } from './channel-spaces';

/** Greatest factor: beyond it a channel carries nothing that matters, and its weights would only lose precision. */
export const GREATEST_FACTOR = 64;

/**
 * Factors that bring the ranges of a space's channels half way, in logarithms, to the range of the widest one:
 * s[c] = sqrt(max(range) / range[c]), the geometric mean over the space's quantized tensors. At least 1.
 *
 * The idea is cross-layer equalization (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias
 * Correction", ICCV 2019), applied to measured activation ranges; half way, because what a channel gains as an activation it
 * loses as a column of the next layer's weights, as in SmoothQuant (Xiao et al., 2023, migration strength 0.5).
 * @param ranges for each quantized tensor the greatest |x| of each channel
 */
export function equalizingFactors(channels: number, ranges: readonly ArrayLike<number>[]): Float64Array {
  const factors = new Float64Array(channels).fill(1);
  const strength = 0.5 / ranges.length;
  for (const range of ranges) {
    let widest = 0;
    for (let c = 0; c < channels; ++c) widest = Math.max(widest, range[c]!);
    // A channel that never was anything but zero says nothing.
    for (let c = 0; c < channels; ++c) if (range[c]! > 0) factors[c]! *= (widest / range[c]!) ** strength;
  }
  return factors.map((factor) => Math.min(factor, GREATEST_FACTOR));
}

/**
 * Scales the channels of a space: its makers' weights and biases up, its readers' weights down. The limit of an activation
 * is lifted by its channel's factor: `limits: 'exact'` keeps it as a minimum a channel, so that the network computes what it
 * did; `'saturation'` leaves it to the quantization of the result, whose range must end at or below the former limit.
 */
export function scaleChannels(
  graph: Graph,
  space: ChannelSpace,
  factors: Float64Array,
  limits: 'exact' | 'saturation',
): LiftedLimit[] {
  for (const maker of space.makers) scaleOutputs(graph, maker, factors);
  for (const reader of space.readers) scaleInputs(graph, reader, factors);
  return space.clips.map(({ node, limit }) => liftLimit(graph, node, limit, factors, limits));
}

/** An activation's limit after scaling. */
export interface LiftedLimit {
  /** Name of what is rectified only. */
  readonly rectified: string;
  /** Name of what the limit bounds. */
  readonly result: string;
  /** Shape [channels]. */
  readonly bounds: Float32Array;
}

function scaleOutputs(graph: Graph, node: Node, factors: Float64Array): void {
  const axis = operatorOf(node).linear!.outputChannelAxis(node);
  const [weights, bias] = [node.inputs[1]!, node.inputs[2]];
  replace(
    graph,
    node,
    1,
    scaled(weights.constant!, axis, (channel) => factors[channel]!),
  );
  if (bias) {
    // A bias of one number serves every channel alike until they are scaled.
    const values = bias.constant!.toFloat32();
    const wide = values.length === factors.length ? values : factors.map(() => values[0]!);
    const product = Float32Array.from(factors, (factor, channel) => wide[channel]! * factor);
    replace(graph, node, 2, Constant.float32([factors.length], product));
  }
}

function scaleInputs(graph: Graph, node: Node, factors: Float64Array): void {
  const { linear } = operatorOf(node);
  const { axis, groups } = linear!.inputChannels(node)!;
  const weights = node.inputs[1]!.constant!;
  const outputAxis = linear!.outputChannelAxis(node);
  const inner = strideOf(weights.dims, outputAxis);
  const outputs = weights.dims[outputAxis]! / groups;
  replace(
    graph,
    node,
    1,
    scaled(weights, axis, (channel, index) => {
      const group = Math.floor((Math.floor(index / inner) % weights.dims[outputAxis]!) / outputs);
      return 1 / factors[group * weights.dims[axis]! + channel]!;
    }),
  );
}

function scaled(
  constant: Constant,
  axis: number,
  factor: (channel: number, index: number) => number,
): Constant {
  const stride = strideOf(constant.dims, axis);
  const channels = constant.dims[axis]!;
  const values = constant.toFloat32();
  return Constant.float32(
    constant.dims,
    Float32Array.from(values, (value, index) => value * factor(Math.floor(index / stride) % channels, index)),
  );
}

const strideOf = (dims: readonly number[], axis: number): number =>
  dims.slice(axis + 1).reduce((a, b) => a * b, 1);

function replace(graph: Graph, node: Node, input: number, constant: Constant): void {
  graph.setInput(node, input, graph.addConstant(`${node.inputs[input]!.name}_equalized`, constant));
}

function liftLimit(
  graph: Graph,
  node: Node,
  limit: number,
  factors: Float64Array,
  limits: 'exact' | 'saturation',
): LiftedLimit {
  const bounds = Float32Array.from(factors, (factor) => factor * limit);
  const result = node.outputs[0]!;
  const [data] = node.inputs;
  graph.removeNode(node);
  let rectified: Value = result;
  if (limits === 'exact') {
    rectified = graph.addValue(`${result.name}_rectified`, result);
    const ones = result.shape!.slice(2).map(() => 1);
    graph.addNode({
      op: 'Min',
      name: `${node.name}_limit`,
      inputs: [
        rectified,
        graph.addConstant(`${result.name}_limit`, Constant.float32([1, factors.length, ...ones], bounds)),
      ],
      outputs: [result],
    });
  }
  graph.addNode({ op: 'Relu', name: node.name, inputs: [data], outputs: [rectified] });
  return { rectified: rectified.name, result: result.name, bounds };
}
