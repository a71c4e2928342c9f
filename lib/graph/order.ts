import { Calibr8Error } from '../errors';
import type { Graph, Node } from './graph';

/** The nodes so that producers come before consumers, else in the order they were added. Throws INVALID_MODEL on a cycle. */
export function sorted(graph: Graph): Node[] {
  const order: Node[] = [];
  const waiting = new Map<Node, number>();
  const ready: Node[] = [];
  const nodes = [...graph.nodes];
  for (const node of nodes) {
    const producers = new Set(
      node.inputs.map((input) => input?.producer).filter((producer) => producer !== undefined),
    );
    if (producers.size === 0) ready.push(node);
    else waiting.set(node, producers.size);
  }
  const position = new Map(nodes.map((node, index) => [node, index]));
  // Depth first from the earliest node keeps a branch together, which is what keeps few values alive.
  ready.reverse();
  while (ready.length > 0) {
    const node = ready.pop()!;
    order.push(node);
    const freed = new Set<Node>();
    for (const output of node.outputs) for (const consumer of output?.consumers ?? []) freed.add(consumer);
    const next: Node[] = [];
    for (const consumer of freed) {
      const left = waiting.get(consumer)! - 1;
      waiting.set(consumer, left);
      if (left === 0) next.push(consumer);
    }
    next.sort((a, b) => position.get(b)! - position.get(a)!);
    ready.push(...next);
  }
  if (order.length < graph.nodes.size) {
    const done = new Set(order);
    const stuck = nodes.filter((node) => !done.has(node));
    throw new Calibr8Error(
      'INVALID_MODEL',
      `Expected a graph without cycles but ${stuck.length} nodes wait for each other, among them ${stuck[0]!.label}.`,
    );
  }
  return order;
}
