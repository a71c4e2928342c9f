import { Calibr8Error } from '../errors';
import type { Graph, Node, Value } from '../graph/graph';
import { sorted } from '../graph/order';
import type { OperatorDefinition } from '../ops/definition';
import { operatorOf } from '../ops/registry';
import { isRefusal, unsupportedModel } from '../ops/support/refusals';
import type { Pass } from './pass';
import { refusalsIn } from './refusals';

/**
 * Infers every type and shape in execution order and evaluates what is constant on the way: folding a Shape of a known
 * shape is what makes later shapes known, so the two go together.
 */
export const inferAndFold: Pass = {
  name: 'infer-and-fold',
  run(graph) {
    let edits = 0;
    for (const node of sorted(graph)) {
      const definition = operatorOf(node);
      try {
        infer(graph, node, definition);
      } catch (cause) {
        // One refusal says that there may be more; all of them at once save exporting again for each.
        if (isRefusal(cause)) throw unsupportedModel(refusalsIn(graph), '', { cause });
        throw cause;
      }
      if (foldable(node, definition) && fold(graph, node, definition)) ++edits;
    }
    return edits;
  },
};

function infer(graph: Graph, node: Node, definition: OperatorDefinition): void {
  const types = definition.infer(node, graph.opset);
  node.outputs.forEach((value, index) => {
    const type = types[index];
    if (!value || !type) return;
    // A quantized value's type was decided by its quantization.
    if (!value.quantization) value.dtype = type.dtype;
    if (type.shape) value.shape = type.shape;
  });
}

function foldable(node: Node, definition: OperatorDefinition): boolean {
  if (!definition.fold || node.postOps.length > 0 || definition.keepsConstants?.(node)) return false;
  if (definition.foldsFromShape) return node.inputs[0]?.dims !== undefined;
  return (
    node.inputs.length > 0 &&
    node.inputs.every((value) => value === undefined || (value.constant && !reinterpreted(value, definition)))
  );
}

/** True where a constant's stored numbers stand for real ones, which folding does not know of. */
function reinterpreted(value: Value, { conversion }: OperatorDefinition): boolean {
  return value.quantization !== undefined && conversion === undefined;
}

function fold(graph: Graph, node: Node, definition: OperatorDefinition): boolean {
  const constants = definition.fold!(node, graph.opset);
  if (!constants) return false;
  graph.removeNode(node);
  node.outputs.forEach((value, index) => {
    if (!value) return;
    const constant = constants[index];
    if (!constant)
      throw new Calibr8Error('INTERNAL_GRAPH', `${node.label}: folding gave no output ${index}.`);
    value.constant = constant;
    value.dtype = constant.dtype;
    value.shape = constant.dims;
  });
  return true;
}
