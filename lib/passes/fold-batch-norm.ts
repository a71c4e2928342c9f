import { Constant } from '../graph/constant';
import type { Graph, Node } from '../graph/graph';
import { sorted } from '../graph/order';
import type { ChannelAffine } from '../ops/definition';
import { operatorOf } from '../ops/registry';
import type { Pass } from './pass';

/**
 * Folds a per-channel scale and shift (batch normalization) into the weights and bias of the convolution or matrix product
 * before it: (w * x + b) s + t = (s w) * x + (s b + t). In doubles, rounded once.
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
  const x = node.inputs[0]!;
  const producer = x.producer;
  if (!producer || producer.postOps.length > 0 || !graph.hasSingleUse(x)) return false;
  const { linear } = operatorOf(producer);
  const weights = producer.inputs[1];
  const bias = producer.inputs[2];
  if (!linear?.acceptsBias || !linear.quantizable(producer) || !weights?.constant || (bias && !bias.constant))
    return false;
  const channels = affine.scale.length;
  if (weights.constant.dims[linear.outputChannelAxis(producer)] !== channels || weights.dtype !== 'float32')
    return false;

  const scaled = scaleChannels(weights.constant, linear.outputChannelAxis(producer), affine.scale);
  const old = bias?.constant?.toFloat32();
  const shifted = Float32Array.from(
    affine.shift,
    (shift, c) => (old?.[c % old.length] ?? 0) * affine.scale[c]! + shift,
  );
  graph.setInput(producer, 1, graph.addConstant(`${weights.name}/folded`, scaled));
  graph.setInput(
    producer,
    2,
    graph.addConstant(`${producer.name}/bias`, Constant.float32([channels], shifted)),
  );
  const result = node.outputs[0]!;
  graph.removeNode(node);
  graph.setOutput(producer, producer.outputs.indexOf(x), result);
  return true;
}

function scaleChannels(weights: Constant, axis: number, scale: Float64Array): Constant {
  const source = weights.toFloat32();
  const result = new Float32Array(source.length);
  const inner = weights.dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const channels = scale.length;
  for (let start = 0, c = 0; start < source.length; start += inner, c = (c + 1) % channels) {
    const factor = scale[c]!;
    for (let i = start; i < start + inner; ++i) result[i] = source[i]! * factor;
  }
  return Constant.float32(weights.dims, result);
}
