import { Constant } from '../graph/constant';
import type { Graph, Node, Value } from '../graph/graph';
import { sorted } from '../graph/order';
import type { ChannelAffine } from '../ops/definition';
import { operatorOf } from '../ops/registry';
import type { Pass } from './pass';

/**
 * Folds a scale and shift of each channel (a batch normalization, or arithmetic with constants) into the weights and bias of the
 * convolution or matrix product before it: (w * x + b) s + t = (s w) * x + (s b + t). In doubles, rounded once.
 */
export const foldBatchNorm: Pass = {
  name: 'fold-batch-norm',
  run(graph) {
    let edits = 0;
    for (const node of sorted(graph)) {
      const affine = operatorOf(node).channelAffine?.(node);
      if (affine && foldInto(graph, node, affine)) ++edits;
    }
    return edits;
  },
};

function foldInto(graph: Graph, node: Node, affine: ChannelAffine): boolean {
  const x = node.inputs[affine.data]!;
  const producer = x.producer;
  if (!producer || producer.postOps.length > 0 || !graph.hasSingleUse(x)) return false;
  const { linear } = operatorOf(producer);
  const [, weights, bias] = producer.inputs;
  if (!linear?.quantizable(producer) || weights?.constant?.dtype !== 'float32') return false;
  if (affine.axis !== undefined && affine.axis !== linear.resultChannelAxis(producer)) return false;
  const channelAxis = linear.outputChannelAxis(producer);
  const scale = perChannel(affine.scale, weights.constant.dims[channelAxis]!);
  const shift = perChannel(affine.shift, weights.constant.dims[channelAxis]!);
  const shifted = scale && shift && shiftedBias(bias, scale, shift);
  if (!scale || !shifted || (shifted !== 'none' && !linear.acceptsBias)) return false;

  if (scale.some((s) => s !== 1)) {
    const scaled = Constant.scaled(weights.constant, channelAxis, scale);
    graph.setInput(producer, 1, graph.addConstant(`${weights.name}/folded`, scaled));
  }
  if (shifted !== 'none') graph.setInput(producer, 2, graph.addConstant(`${producer.name}/bias`, shifted));
  const result = node.outputs[0]!;
  graph.removeNode(node);
  graph.setOutput(producer, producer.outputs.indexOf(x), result);
  return true;
}

/** The new bias, or `none` where none is needed. Undefined where the old one is computed. */
function shiftedBias(
  bias: Value | undefined,
  scale: Float64Array,
  shift: Float64Array,
): Constant | 'none' | undefined {
  if (bias && !bias.constant) return undefined;
  if (!bias && shift.every((t) => t === 0)) return 'none';
  const old = bias?.constant!.toFloat32();
  const shifted = Float32Array.from(shift, (t, c) => (old?.[c % old.length] ?? 0) * scale[c]! + t);
  return Constant.float32([shifted.length], shifted);
}

/** One number for each channel, of which there may be one for all. Undefined where there is another number of them. */
function perChannel(numbers: Float64Array, channels: number): Float64Array | undefined {
  if (numbers.length === channels) return numbers;
  return numbers.length === 1 ? new Float64Array(channels).fill(numbers[0]!) : undefined;
}
