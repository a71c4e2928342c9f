import { Constant } from '../graph/constant';
import { elementCount } from '../graph/data-type';
import type { Graph, Node, Value } from '../graph/graph';
import { sorted } from '../graph/order';
import { allocate } from '../memory';
import { operatorOf } from '../ops/registry';
import { fuses } from './fuses';
import type { Pass } from './pass';

/**
 * Spares passes over memory that join channels (Concat) of real numbers. What shrinks every channel for itself, as pooling does,
 * does so before they are joined. A layer with far fewer output channels computes on each part and adds up, which fuses with the
 * layer: L(Concat(a, b)) = L(a) + L(b), each with its part of the weights.
 */
export const joinChannelsLater: Pass = {
  name: 'join-channels-later',
  run(graph) {
    let edits = 0;
    for (const node of sorted(graph)) {
      const joining = joiningBefore(graph, node);
      if (!joining) continue;
      if (shrinksChannels(node)) shrinkFirst(graph, joining, node);
      else if (sumsWell(node, joining)) sumInstead(graph, joining, node);
      else continue;
      ++edits;
    }
    return edits;
  },
};

/** The node that makes the input of this one by joining channels of real values in order, and does so for this one alone. */
function joiningBefore(graph: Graph, node: Node): Node | undefined {
  const joined = node.inputs[0];
  const joining = joined?.producer;
  if (!joining || joined.dtype !== 'float32' || !graph.hasSingleUse(joined)) return undefined;
  const moves = operatorOf(joining).channelMoves?.(joining, graph.opset);
  if (!moves || moves.inputs.length < 2 || moves.outputs.length > 1) return undefined;
  const inOrder = moves.outputs[0]!.every((channel, index) => channel === index);
  // What comes from quantized numbers may stay such, and layers have no word for parts without elements.
  const real = moves.inputs.every(
    ({ producer, dims }) => dims && elementCount(dims) > 0 && !(producer && operatorOf(producer).conversion),
  );
  return inOrder && real && node.outputs[0]?.dims ? joining : undefined;
}

const sizeOf = (value: Value): number => elementCount(value.dims!);

function shrinksChannels(node: Node): boolean {
  const alone = node.inputs.length === 1 && node.outputs.filter(Boolean).length === 1;
  const channelwise = alone && operatorOf(node).channelwise?.(node) === true && node.postOps.length === 0;
  return channelwise && 2 * sizeOf(node.outputs[0]!) <= sizeOf(node.inputs[0]!);
}

function shrinkFirst(graph: Graph, joining: Node, node: Node): void {
  const result = node.outputs[0]!;
  joining.inputs.forEach((part, index) => {
    const name = `${node.name}/${index}`;
    const dims = result.dims!.with(1, part!.dims![1]!);
    const shrunk = graph.addValue(name, { dtype: result.dtype, shape: dims });
    graph.addNode({ ...node, name, inputs: [part], outputs: [shrunk] });
    graph.setInput(joining, index, shrunk);
  });
  graph.removeNode(node);
  graph.setOutput(joining, 0, result);
}

/** Whether a layer can sum over parts, and moves less by adding up its results than by reading what was joined. */
function sumsWell(node: Node, joining: Node): boolean {
  const { linear } = operatorOf(node);
  const weights = node.inputs[1]?.constant;
  if (!linear || !fuses(node) || node.postOps.length > 0 || weights?.dtype !== 'float32') return false;
  if (linear.inputChannels(node)?.groups !== 1) return false;
  const sums = joining.inputs.length - 1;
  return 2 * sums * sizeOf(node.outputs[0]!) <= sizeOf(node.inputs[0]!);
}

function sumInstead(graph: Graph, joining: Node, node: Node): void {
  const { axis } = operatorOf(node).linear!.inputChannels(node)!;
  const [, weights, bias] = node.inputs;
  const parts = joining.inputs.map((part) => part!);
  const result = node.outputs[0]!;
  const type = { dtype: result.dtype, shape: result.shape };
  for (const each of [joining, node]) graph.removeNode(each);
  let sum: Value | undefined;
  let from = 0;
  parts.forEach((part, index) => {
    const last = index === parts.length - 1;
    const name = last ? node.name : `${node.name}/${index}`;
    const channels = part.dims![1]!;
    const own = graph.addConstant(`${weights!.name}/${index}`, cut(weights!.constant!, axis, from, channels));
    from += channels;
    const partial = graph.addValue(`${name}/part`, type);
    // The bias once.
    graph.addNode({ ...node, name, inputs: [part, own, sum ? undefined : bias], outputs: [partial] });
    const next = last ? result : sum ? graph.addValue(`${name}/sum`, type) : partial;
    if (sum) graph.addNode({ op: 'Add', name: `${name}/add`, inputs: [sum, partial], outputs: [next] });
    sum = next;
  });
}

/** `count` places from `from` on along an axis. */
function cut(constant: Constant, axis: number, from: number, count: number): Constant {
  const inner = elementCount(constant.dims.slice(axis + 1));
  const row = constant.dims[axis]! * inner;
  const data = constant.toFloat32();
  const part = new Float32Array(allocate(4 * (data.length / row) * count * inner).buffer);
  for (let at = 0, to = 0; at < data.length; at += row, to += count * inner)
    part.set(data.subarray(at + from * inner, at + (from + count) * inner), to);
  return Constant.float32(constant.dims.with(axis, count), part);
}
