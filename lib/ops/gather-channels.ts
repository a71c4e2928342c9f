import type { Graph, Node, Value } from '../graph/graph';
import type { OperatorDefinition } from './definition';
import { INTERNAL_DOMAIN } from './quantize-generic';
import { dtypeOf, input, output, shapeError, shapeOf } from './support/shapes';

/** Channels of the inputs, numbered through all of them, in any order: what joining, shuffling and splitting channels comes to. */
export const gatherChannels: OperatorDefinition = {
  op: 'GatherChannels',
  anyType: true,
  inputs: [1, Infinity],
  quantization: { kind: 'passThrough', moves: true, data: 'all' },
  infer(node) {
    const shape = shapeOf(node, 0, 2);
    return [{ dtype: dtypeOf(node), shape: shape?.with(1, channelsOf(node).length) }];
  },
  lower(node, lowering) {
    lowering.step({
      kernel: 'gather_channels',
      name: node.name,
      sources: node.inputs.map((_, index) => lowering.value(input(node, index))),
      destinations: [lowering.value(output(node))],
      params: { channels: { i64s: channelsOf(node) } },
    });
  },
};

function channelsOf(node: Node): readonly number[] {
  const channels = node.attributes.ints('channels');
  if (!channels) throw shapeError(node, 'expected the attribute channels but it is absent.');
  return channels;
}

/** Makes `result` the given channels of the inputs. */
export function addGatherChannels(
  graph: Graph,
  name: string,
  inputs: readonly Value[],
  channels: readonly number[],
  result: Value,
): void {
  graph.addNode({
    op: gatherChannels.op,
    domain: INTERNAL_DOMAIN,
    name,
    inputs,
    outputs: [result],
    attributes: [['channels', { kind: 'ints', value: channels }]],
  });
}
