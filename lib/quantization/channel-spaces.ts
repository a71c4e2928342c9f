import type { Graph, Node, Value } from '../graph/graph';
import { operatorOf } from '../ops/registry';
import { sameShape } from '../ops/support/shapes';
import type { Assignment } from './assign';
import { ScaleGroups } from './scale-groups';

/**
 * Values whose channels can be scaled together, each by a factor of its own, without changing what the network computes: INT8
 * layers make them, INT8 layers read them, and what lies between treats each channel alone and is positively homogeneous.
 */
export interface ChannelSpace {
  readonly channels: number;
  readonly values: readonly Value[];
  /** Layers whose output channels these are. */
  readonly makers: readonly Node[];
  /** Layers whose input channels these are. */
  readonly readers: readonly Node[];
  /** Activations from 0 to a limit, which moves with the channel. */
  readonly clips: readonly Clip[];
}

export interface Clip {
  readonly node: Node;
  /** Above 0. */
  readonly limit: number;
}

/** Every channel space of a canonical FP32 graph. */
export function findChannelSpaces(graph: Graph, assignment: Assignment): ChannelSpace[] {
  const spaces = new ScaleGroups();
  const fixed = new Set<Value>([...graph.inputs, ...graph.outputs]);
  const clips = new Map<Value, Clip>();
  for (const node of graph.nodes) {
    const definition = operatorOf(node);
    const data = node.inputs.filter((value) => value !== undefined && !value.constant) as Value[];
    const results = node.outputs.filter((value) => value !== undefined);
    const clip = clipOf(graph, node);
    if (assignment.linear.has(node) && definition.linear!.inputChannels(node)) {
      for (const value of [...data, ...results]) spaces.add(value);
    } else if (results.length === 1 && (clip || isTransparent(node, data))) {
      for (const value of data) spaces.tie(value, results[0]!);
      if (clip) clips.set(results[0]!, clip);
    } else {
      for (const value of [...data, ...results]) fixed.add(value);
    }
  }
  return spaces
    .groups()
    .filter((values) => !values.some((value) => fixed.has(value)))
    .map((values) => describe(values, assignment, clips))
    .filter((space) => space !== undefined);
}

function isTransparent(node: Node, data: readonly Value[]): boolean {
  const definition = operatorOf(node);
  if (definition.channelwise) return data.length === 1 && definition.channelwise(node);
  if (definition.quantization.kind !== 'sum' || data.length !== node.inputs.length) return false;
  return data.every((value) => sameShape(value.shape, data[0]!.shape));
}

/** An activation from 0 to a limit whose result every reader takes as INT8, so that saturation can stand for the limit. */
function clipOf(graph: Graph, node: Node): Clip | undefined {
  const eltwise = operatorOf(node).eltwise?.(node, graph.opset);
  if (eltwise?.algorithm !== 'clip' || eltwise.alpha !== 0 || !(eltwise.beta > 0)) return undefined;
  return { node, limit: eltwise.beta };
}

function describe(
  values: readonly Value[],
  { linear, groups }: Assignment,
  clips: ReadonlyMap<Value, Clip>,
): ChannelSpace | undefined {
  const channels = values[0]!.shape?.[1];
  if (typeof channels !== 'number' || values.some((value) => value.shape?.[1] !== channels)) return undefined;
  const quantized = new Set(groups.flatMap((group) => group.values));
  const own = values.map((value) => clips.get(value)).filter((clip) => clip !== undefined);
  if (own.some(({ node }) => !quantized.has(node.outputs[0]!))) return undefined;
  const makers = new Set<Node>();
  const readers = new Set<Node>();
  for (const value of values) {
    if (value.producer && linear.has(value.producer)) makers.add(value.producer);
    for (const consumer of value.consumers)
      if (linear.has(consumer) && consumer.inputs[0] === value) readers.add(consumer);
  }
  if (makers.size === 0 || readers.size === 0) return undefined;
  return { channels, values, makers: [...makers], readers: [...readers], clips: own };
}
