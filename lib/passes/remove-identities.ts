import type { Graph, Node } from '../graph/graph';
import { operatorOf } from '../ops/registry';
import type { Pass } from './pass';

/** Removes nodes whose output is their input: Identity, Dropout, reshapes to the same shape, casts to the same type. */
export const removeIdentities: Pass = {
  name: 'remove-identities',
  run(graph) {
    let edits = 0;
    for (const node of [...graph.nodes]) {
      if (operatorOf(node).identity?.(node) && node.postOps.length === 0 && remove(graph, node)) ++edits;
    }
    return edits;
  },
};

function remove(graph: Graph, node: Node): boolean {
  const [source, target] = [node.inputs[0], node.outputs[0]];
  if (!source || !target || target.observer !== undefined) return false;
  if (
    node.outputs
      .slice(1)
      .some((extra) => extra && (extra.consumers.size > 0 || graph.outputs.includes(extra)))
  )
    return false;
  if (!graph.outputs.includes(target)) {
    graph.removeNode(node);
    graph.replaceUses(target, source);
    return true;
  }
  // The output must keep its name: its maker takes it over, where nothing else hinders.
  const maker = source.producer;
  if (!maker || graph.outputs.includes(source) || source.observer !== undefined) return false;
  graph.removeNode(node);
  graph.replaceUses(source, target);
  target.quantization = source.quantization;
  target.dtype = source.dtype;
  graph.setOutput(maker, maker.outputs.indexOf(source), target);
  return true;
}
