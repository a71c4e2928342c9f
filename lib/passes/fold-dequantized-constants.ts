import { sorted } from '../graph/order';
import { operatorOf } from '../ops/registry';
import type { Pass } from './pass';

/** Dequantizes the constants that no INT8 operator took in, once and for all. */
export const foldDequantizedConstants: Pass = {
  name: 'fold-dequantized-constants',
  run(graph) {
    let edits = 0;
    for (const node of sorted(graph)) {
      const definition = operatorOf(node);
      const result = node.outputs[0];
      if (definition.conversion !== 'dequantize' || !node.inputs[0]?.constant || !result) continue;
      const [constant] = definition.fold!(node, graph.opset)!;
      graph.removeNode(node);
      result.constant = constant;
      ++edits;
    }
    return edits;
  },
};
