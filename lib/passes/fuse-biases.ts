import { Constant } from '../graph/constant';
import type { Graph, Node } from '../graph/graph';
import { sorted } from '../graph/order';
import { operatorOf } from '../ops/registry';
import type { Pass } from './pass';

/**
 * Makes constants that are added to the channels of a matrix product its bias, where a file has no place for one: the product of
 * more than two dimensions that exporters write for a linear layer.
 */
export const fuseBiases: Pass = {
  name: 'fuse-biases',
  run(graph) {
    let edits = 0;
    for (const node of sorted(graph)) if (fuse(graph, node)) ++edits;
    return edits;
  },
};

function fuse(graph: Graph, node: Node): boolean {
  const affine = operatorOf(node).channelAffine?.(node);
  if (!affine || affine.scale.some((s) => s !== 1)) return false;
  const product = node.inputs[affine.data]!;
  const { producer } = product;
  if (!producer) return false;
  const { linear } = operatorOf(producer);
  if (!linear?.quantizable(producer) || producer.inputs[2] || producer.postOps.length > 0) return false;
  if (!graph.hasSingleUse(product) || affine.axis !== linear.resultChannelAxis(producer)) return false;
  const bias = Constant.float32([affine.shift.length], Float32Array.from(affine.shift));
  const result = node.outputs[0]!;
  graph.setInput(producer, 2, graph.addConstant(`${node.name}/bias`, bias));
  graph.removeNode(node);
  graph.setOutput(producer, 0, result);
  return true;
}
