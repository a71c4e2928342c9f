import type { Graph, Node, PostOp } from '../graph/graph';
import { sorted } from '../graph/order';
import type { Eltwise } from '../ops/definition';
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

/** What a node does to each element of its input 0 alone: an activation, or arithmetic with one constant. */
function functionOf(graph: Graph, node: Node): Eltwise | undefined {
  const definition = operatorOf(node);
  const affine = definition.channelAffine?.(node);
  if (!affine || affine.data !== 0 || affine.axis !== undefined || affine.scale.length > 1)
    return definition.eltwise?.(node, graph.opset);
  return { algorithm: 'linear', alpha: affine.scale[0]!, beta: affine.shift[0]! };
}

/** Appends an element-wise function to the convolution or matrix product whose result it takes. */
export const fuseActivations: Pass = {
  name: 'fuse-activations',
  run(graph) {
    let edits = 0;
    for (const node of sorted(graph)) {
      const eltwise = functionOf(graph, node);
      const x = node.inputs[0];
      const producer = x?.producer;
      if (!eltwise || !producer || !graph.hasSingleUse(x)) continue;
      const { linear } = operatorOf(producer);
      if (!linear?.quantizable(producer) && !linear?.multipliesActivations?.(producer)) continue;
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
