import { sorted } from '../graph/order';
import { operatorOf } from '../ops/registry';
import type { Pass } from './pass';

/** Appends an element-wise function to the convolution or matrix product whose result it takes. */
export const fuseActivations: Pass = {
  name: 'fuse-activations',
  run(graph) {
    let edits = 0;
    for (const node of sorted(graph)) {
      const eltwise = operatorOf(node).eltwise?.(node, graph.opset);
      const x = node.inputs[0];
      const producer = x?.producer;
      if (!eltwise || !producer || !graph.hasSingleUse(x)) continue;
      if (!operatorOf(producer).linear?.quantizable(producer)) continue;
      const result = node.outputs[0]!;
      graph.removeNode(node);
      producer.postOps = [...producer.postOps, { kind: 'eltwise', ...eltwise }];
      graph.setOutput(producer, 0, result);
      ++edits;
    }
    return edits;
  },
};
