import { sorted } from '../graph/order';
import type { Pass } from './pass';

/** Removes nodes whose outputs nobody uses, from the end backwards. */
export const removeDeadNodes: Pass = {
  name: 'remove-dead-nodes',
  run(graph) {
    let edits = 0;
    const outputs = new Set(graph.outputs);
    for (const node of sorted(graph).reverse()) {
      if (node.outputs.every((value) => !value || (value.consumers.size === 0 && !outputs.has(value)))) {
        graph.removeNode(node);
        ++edits;
      }
    }
    return edits;
  },
};
