import { Constant } from '../graph/constant';
import type { Graph, Node } from '../graph/graph';
import { sorted } from '../graph/order';
import type { ChannelAffine } from '../ops/definition';
import { operatorOf } from '../ops/registry';
import type { Pass } from './pass';
import { originOf, removeConversions, roundingOf } from './requantized';

/**
 * Appends a per-channel scale and shift (batch normalization) to the quantized layer before it. Folding it into the weights,
 * as for real ones, would change the numbers that the file says; files quantized with their batch norms in place have them.
 */
export const fuseChannelAffines: Pass = {
  name: 'fuse-channel-affines',
  run(graph) {
    let edits = 0;
    for (const node of sorted(graph)) {
      const { channelAffine } = operatorOf(node);
      if (!channelAffine) continue;
      const affine = channelAffine(node);
      if (affine && fuse(graph, node, affine)) ++edits;
    }
    return edits;
  },
};

function fuse(graph: Graph, node: Node, { data, axis, scale, shift }: ChannelAffine): boolean {
  const origin = originOf(graph, node.inputs[data]!);
  const producer = origin?.value.producer;
  const rank = producer?.outputs[0]?.shape?.length;
  if (!producer || !rank || producer.postOps.some(({ kind }) => kind === 'sum')) return false;
  const { linear } = operatorOf(producer);
  if (!linear?.quantizable(producer) || !producer.inputs[1]!.quantization) return false;
  if (axis === undefined || axis !== linear.resultChannelAxis(producer)) return false;
  const postOps = [...producer.postOps, ...roundingOf(origin)];
  const result = node.outputs[0]!;
  graph.removeNode(node);
  removeConversions(graph, origin);
  const dims = new Array<number>(rank).fill(1).with(axis, scale.length);
  const append = (algorithm: 'mul' | 'add', numbers: Float64Array): void => {
    const constant = graph.addConstant(
      `${node.name}/${algorithm}`,
      Constant.float32(dims, Float32Array.from(numbers)),
    );
    const input = Math.max(3, producer.inputs.length);
    graph.setInput(producer, input, constant);
    postOps.push({ kind: 'binary', algorithm, input });
  };
  if (scale.some((s) => s !== 1)) append('mul', scale);
  if (shift.some((s) => s !== 0)) append('add', shift);
  producer.postOps = postOps;
  graph.setOutput(producer, 0, result);
  return true;
}
