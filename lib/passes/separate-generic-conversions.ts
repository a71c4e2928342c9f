import type { Graph, Node, Value } from '../graph/graph';
import { sorted } from '../graph/order';
import type { OperatorDefinition } from '../ops/definition';
import { INTERNAL_DOMAIN } from '../ops/quantize-generic';
import { isTypeConversion } from '../ops/quantize';
import { operatorOf } from '../ops/registry';
import type { Pass } from './pass';

/**
 * Conversions become types of values where scales are constants, one a tensor or a channel, and where the stored numbers mean
 * nothing else to anybody. The others are set apart here, as operators that compute with scales like with any numbers.
 */
export const separateGenericConversions: Pass = {
  name: 'separate-generic-conversions',
  run(graph) {
    let edits = 0;
    for (const node of sorted(graph)) {
      const definition = operatorOf(node);
      if (!definition.conversion || (isTypeConversion(node) && isUnderstood(graph, node, definition)))
        continue;
      const { op, name, inputs, outputs, attributes } = node;
      graph.removeNode(node);
      graph.addNode({ op, domain: INTERNAL_DOMAIN, name, inputs, outputs, attributes });
      ++edits;
    }
    return edits;
  },
};

/** True where all that make or read the stored numbers take them for what the conversion says. */
function isUnderstood(graph: Graph, node: Node, { conversion }: OperatorDefinition): boolean {
  if (conversion === 'dequantize') return madeByConversion(node.inputs[0]!);
  return readByConversions(graph, node.outputs[0]!);
}

function moves(node: Node): boolean {
  const rule = operatorOf(node).quantization;
  return rule.kind === 'passThrough';
}

function madeByConversion(value: Value): boolean {
  const { producer } = value;
  if (!producer) return true;
  if (operatorOf(producer).conversion === 'quantize') return isTypeConversion(producer);
  return moves(producer) && madeByConversion(producer.inputs[0]!);
}

function readByConversions(graph: Graph, value: Value): boolean {
  return [...value.consumers].every(
    (consumer) =>
      operatorOf(consumer).conversion === 'dequantize' ||
      (moves(consumer) && consumer.outputs.every((output) => !output || readByConversions(graph, output))),
  );
}
