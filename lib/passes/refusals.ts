import type { DataType } from '../graph/data-type';
import type { Graph, Node } from '../graph/graph';
import { sorted } from '../graph/order';
import { findOperator, operatorNames } from '../ops/registry';
import { isRefusal, nearestForm, operatorWithOpset } from '../ops/support/refusals';

/**
 * All that a model asks for and that cannot run here, a line each: operators that nobody knows, and attributes and types that
 * shape inference refuses. Nodes behind a refused one are looked at too, as if it kept its data's type.
 */
export function refusalsIn(graph: Graph): string[] {
  const refusals: string[] = [];
  for (const node of sorted(graph)) {
    const definition = findOperator(node);
    if (!definition) {
      const nearest = nearestForm(node, operatorNames());
      refusals.push(`${operatorWithOpset(graph, node)}, node "${node.name}": no such operator; ${nearest}`);
      assume(node);
      continue;
    }
    try {
      definition.infer(node, graph.opset).forEach((type, index) => {
        const value = node.outputs[index];
        if (value) [value.dtype, value.shape] = [type.dtype, type.shape ?? value.shape];
      });
    } catch (error) {
      if (isRefusal(error)) refusals.push(`${operatorWithOpset(graph, node)}, ${error.message}`);
      // Other errors come of what was only assumed, or will be found where they count.
      assume(node);
    }
  }
  return refusals;
}

function assume(node: Node): void {
  const dtype: DataType = node.inputs[0]?.dtype ?? 'float32';
  for (const output of node.outputs) if (output) output.dtype ??= dtype;
}
