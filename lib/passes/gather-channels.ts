import type { Graph, Node, Value } from '../graph/graph';
import { sorted } from '../graph/order';
import type { ChannelMoves } from '../ops/definition';
import { addGatherChannels } from '../ops/gather-channels';
import { operatorOf } from '../ops/registry';
import { sameStorage, shuffleAround, type Shuffle } from './channel-shuffle';
import type { Pass } from './pass';

/**
 * Recognizes channel shuffles, a transposition between two reshapes, and makes them one operator that moves channels, together
 * with what joins channels before and splits them after. Reshaping needs values in row-major order; moving channels does not,
 * so that they stay in the layout of the convolutions around.
 */
export const gatherChannels: Pass = {
  name: 'gather-channels',
  run(graph) {
    let edits = 0;
    for (const node of sorted(graph)) {
      const shuffle = shuffleAround(graph, node);
      if (!shuffle) continue;
      fuse(graph, shuffle);
      ++edits;
    }
    return edits;
  },
};

function fuse(graph: Graph, { nodes, source, result, channels }: Shuffle): void {
  const joining = joiningOf(graph, source);
  const joined = joining && movesOf(graph, joining);
  const inputs = joined?.inputs ?? [source];
  const shuffled = joined ? channels.map((channel) => joined.outputs[0]![channel]!) : channels;
  const splitting = splittingOf(graph, result);
  const parts = splitting.flatMap((node) => partsOf(graph, node, shuffled));
  for (const node of [...(joining ? [joining] : []), ...nodes, ...splitting]) graph.removeNode(node);
  if (splitting.length === 0) parts.push({ name: nodes[1]!.name, value: result, channels: shuffled });
  for (const part of parts) addGatherChannels(graph, part.name, inputs, part.channels, part.value);
}

interface Part {
  readonly name: string;
  readonly value: Value;
  readonly channels: readonly number[];
}

/** What a node makes of channels of one value, given where those come from. */
function partsOf(graph: Graph, node: Node, from: readonly number[]): Part[] {
  const { outputs } = movesOf(graph, node)!;
  return outputs.flatMap((places, index) => {
    const value = node.outputs[index];
    const name = outputs.length > 1 ? `${node.name}/${index}` : node.name;
    return value ? { name, value, channels: places.map((place) => from[place]!) } : [];
  });
}

const movesOf = (graph: Graph, node: Node): ChannelMoves | undefined =>
  operatorOf(node).channelMoves?.(node, graph.opset);

/** The node that does nothing but make this value of channels of others. */
function joiningOf(graph: Graph, value: Value): Node | undefined {
  const node = value.producer;
  const moves = node && node.outputs.length === 1 && graph.hasSingleUse(value) && movesOf(graph, node);
  return moves && moves.inputs.every((each) => sameStorage(each, value)) ? node : undefined;
}

/** The nodes that use this value, where it is there for nothing but to take channels from. */
function splittingOf(graph: Graph, value: Value): Node[] {
  const nodes = [...value.consumers];
  const isPart = (node: Node): boolean =>
    movesOf(graph, node)?.inputs.length === 1 &&
    node.inputs[0] === value &&
    node.outputs.every((each) => !each || sameStorage(each, value));
  const kept = value.observer !== undefined || graph.outputs.includes(value);
  return !kept && nodes.every(isPart) ? nodes : [];
}
