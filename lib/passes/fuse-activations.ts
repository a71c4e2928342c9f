import type { PostOp } from '../graph/graph';
import { sorted } from '../graph/order';
import { operatorOf } from '../ops/registry';
import type { Pass } from './pass';

/**
 * True where oneDNN would compute the function with the numbers of an earlier one of the same algorithm. Clipping has two
 * names there, and a hard sigmoid is a line that is clipped.
 */
function repeats(postOps: readonly PostOp[], algorithm: string): boolean {
  const nameOf = (name: string): string => (name === 'hardsigmoid' ? 'clip' : name);
  const earlier = postOps.filter(
    (postOp) => postOp.kind === 'eltwise' && nameOf(postOp.algorithm) === nameOf(algorithm),
  );
  return earlier.length >= (nameOf(algorithm) === 'clip' ? 2 : 1);
}

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
      if (repeats(producer.postOps, eltwise.algorithm)) continue;
      const result = node.outputs[0]!;
      graph.removeNode(node);
      producer.postOps = [...producer.postOps, { kind: 'eltwise', ...eltwise }];
      graph.setOutput(producer, 0, result);
      ++edits;
    }
    return edits;
  },
};
