import type { Graph, Node, Value } from '../graph/graph';
import { sorted } from '../graph/order';
import type { OperatorDefinition } from '../ops/definition';
import { operatorOf } from '../ops/registry';
import type { Pass } from './pass';
import { perTensor, sameType } from './quantized-values';

/**
 * Turns DequantizeLinear -> operator -> QuantizeLinear into the operator on quantized values: their type then carries scale
 * and zero point. Conversions that no operator takes in stay and run as conversions.
 */
export const absorbQuantization: Pass = {
  name: 'absorb-quantization',
  run(graph) {
    let edits = 0;
    for (const node of sorted(graph)) {
      if (graph.nodes.has(node)) edits += absorb(graph, node, operatorOf(node));
    }
    return edits;
  },
};

function absorb(graph: Graph, node: Node, definition: OperatorDefinition): number {
  if (definition.conversion === 'quantize') return requantize(graph, node);
  switch (definition.quantization.kind) {
    case 'linear':
      return absorbProduct(graph, node) || absorbLinear(graph, node);
    case 'sum':
    case 'elementwise':
      return absorbElementwise(graph, node);
    case 'passThrough':
      return absorbPassThrough(graph, node, definition.quantization);
    case 'float':
      return 0;
  }
}

/** The QuantizeLinear that alone uses a value, with per-tensor parameters. */
function quantizer(graph: Graph, value: Value): Node | undefined {
  if (!graph.hasSingleUse(value)) return undefined;
  const [consumer] = value.consumers;
  if (operatorOf(consumer!).conversion !== 'quantize' || consumer!.inputs[0] !== value) return undefined;
  return consumer!.outputs[0]!.quantization?.axis === -1 ? consumer : undefined;
}

/** Makes the node write the quantized value itself. */
function absorbOutput(graph: Graph, node: Node, consumer: Node): void {
  const result = consumer.outputs[0]!;
  graph.removeNode(consumer);
  graph.setOutput(node, 0, result);
}

function absorbLinear(graph: Graph, node: Node): number {
  const x = perTensor(node.inputs[0]);
  if (!x || !node.inputs[1]!.quantization) return 0;
  const sums = node.postOps.flatMap((postOp) => (postOp.kind === 'sum' ? postOp.input : []));
  const residuals = sums.map((index) => perTensor(node.inputs[index]));
  if (residuals.includes(undefined)) return 0;
  graph.setInput(node, 0, x);
  sums.forEach((index, i) => graph.setInput(node, index, residuals[i]));
  const consumer = quantizer(graph, node.outputs[0]!);
  if (consumer) absorbOutput(graph, node, consumer);
  return 1;
}

/** A product of two computed tensors, of which the second is symmetric int8 as weights are. */
function absorbProduct(graph: Graph, node: Node): number {
  if (!operatorOf(node).linear!.multipliesActivations?.(node)) return 0;
  const [x, y] = node.inputs.map(perTensor);
  if (!x || y?.dtype !== 'int8' || y.quantization!.zeroPoint[0] !== 0) return 0;
  graph.setInput(node, 0, x);
  graph.setInput(node, 1, y);
  const consumer = quantizer(graph, node.outputs[0]!);
  if (consumer) absorbOutput(graph, node, consumer);
  return 1;
}

function absorbElementwise(graph: Graph, node: Node): number {
  const operands = node.inputs.map(perTensor);
  const consumer = quantizer(graph, node.outputs[0]!);
  if (operands.length !== 2 || operands.some((operand) => !operand) || !consumer) return 0;
  operands.forEach((operand, index) => graph.setInput(node, index, operand));
  absorbOutput(graph, node, consumer);
  return 1;
}

function absorbPassThrough(
  graph: Graph,
  node: Node,
  rule: Extract<OperatorDefinition['quantization'], { kind: 'passThrough' }>,
): number {
  const count = rule.data === 'first' ? 1 : node.inputs.length;
  const sources = node.inputs.slice(0, count).map(perTensor);
  const first = sources[0];
  if (!first || sources.some((source) => !source || !sameType(source, first))) return 0;
  sources.forEach((source, index) => graph.setInput(node, index, source));
  node.outputs.forEach((result, index) => {
    if (result) absorbResult(graph, node, index, first, rule.averages === true);
  });
  return 1;
}

function absorbResult(graph: Graph, node: Node, index: number, source: Value, averages: boolean): void {
  const result = node.outputs[index]!;
  const consumer = quantizer(graph, result);
  if (consumer && (averages || sameType(consumer.outputs[0]!, source))) {
    const stored = consumer.outputs[0]!;
    graph.removeNode(consumer);
    graph.setOutput(node, index, stored);
    return;
  }
  if (averages) return;
  // Moves bytes instead of floats and converts afterwards.
  const stored = graph.addValue(`${result.name}/quantized`, { dtype: source.dtype, shape: result.shape });
  stored.quantization = source.quantization;
  graph.setOutput(node, index, stored);
  const { scale, zeroPoint } = firstConversion(source);
  graph.addNode({
    op: 'DequantizeLinear',
    name: `${node.name}/dequantize${index > 0 ? index : ''}`,
    inputs: [stored, scale, zeroPoint],
    outputs: [result],
  });
}

/** Scale and zero point values of some DequantizeLinear of a quantized value. */
function firstConversion(value: Value): { scale: Value; zeroPoint: Value | undefined } {
  for (const consumer of value.consumers) {
    if (operatorOf(consumer).conversion === 'dequantize')
      return { scale: consumer.inputs[1]!, zeroPoint: consumer.inputs[2] };
  }
  const producer = value.producer!;
  return { scale: producer.inputs[1]!, zeroPoint: producer.inputs[2] };
}

/** Quantizing what was just dequantized: nothing to do with equal parameters, else one step from integer to integer. */
function requantize(graph: Graph, node: Node): number {
  const source = perTensor(node.inputs[0]);
  const result = node.outputs[0]!;
  if (!source) return 0;
  if (sameType(source, result) && !graph.outputs.includes(result)) {
    graph.removeNode(node);
    graph.replaceUses(result, source);
  } else {
    graph.setInput(node, 0, source);
  }
  return 1;
}
