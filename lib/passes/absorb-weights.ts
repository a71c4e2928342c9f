import type { Graph, Node } from '../graph/graph';
import { sorted } from '../graph/order';
import { dequantize, quantizationOf } from '../ops/quantize';
import { operatorOf } from '../ops/registry';
import type { Pass } from './pass';
import { perTensor, quantized } from './quantized-values';

/**
 * Gives weighted operators whose data is quantized their int8 weights directly, with the scales on the weights' type, and
 * their bias as real numbers. Also writes the parameters of each conversion onto the quantized value beside it.
 */
export const absorbWeights: Pass = {
  name: 'absorb-weights',
  run(graph) {
    let edits = typeQuantizedValues(graph);
    for (const node of sorted(graph)) if (operatorOf(node).linear && absorb(graph, node)) ++edits;
    return edits;
  },
};

/** Writes the parameters of each conversion onto the quantized value beside it. */
function typeQuantizedValues(graph: Graph): number {
  let edits = 0;
  for (const node of sorted(graph)) {
    const { conversion } = operatorOf(node);
    const value =
      conversion === 'quantize' ? node.outputs[0] : conversion === 'dequantize' ? node.inputs[0] : undefined;
    if (!value || value.quantization) continue;
    value.quantization = quantizationOf(node);
    ++edits;
  }
  return edits;
}

function absorb(graph: Graph, node: Node): boolean {
  const weights = quantized(node.inputs[1]);
  const parameters = weights?.quantization;
  if (!perTensor(node.inputs[0]) || !weights?.constant || !parameters || weights.dtype !== 'int8')
    return false;
  const { linear } = operatorOf(node);
  const axisFits = parameters.axis === -1 || parameters.axis === linear!.outputChannelAxis(node);
  if (!axisFits || parameters.zeroPoint.some((zero) => zero !== 0)) return false;
  const bias = node.inputs[2];
  const stored = bias && quantized(bias);
  if (bias && !bias.constant && !stored?.constant) return false;
  graph.setInput(node, 1, weights);
  if (bias && stored) {
    graph.setInput(
      node,
      2,
      graph.addConstant(`${bias.name}/real`, dequantize(stored.constant!, stored.quantization!)),
    );
  }
  return true;
}
