import type { Graph, Node, QuantizationParameters, Value } from '../graph/graph';
import { sorted } from '../graph/order';
import type { OperatorDefinition } from '../ops/definition';
import { dequantize, quantizationOf } from '../ops/quantize';
import { operatorOf } from '../ops/registry';
import type { Pass } from './pass';

/**
 * Turns DequantizeLinear -> operator -> QuantizeLinear into the operator on quantized values: their type then carries scale
 * and zero point. Conversions that no operator takes in stay and run as conversions.
 */
export const absorbQuantization: Pass = {
  name: 'absorb-quantization',
  run(graph) {
    let edits = typeQuantizedValues(graph);
    for (const node of sorted(graph)) {
      if (graph.nodes.has(node)) edits += absorb(graph, node, operatorOf(node));
    }
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

function absorb(graph: Graph, node: Node, definition: OperatorDefinition): number {
  if (definition.conversion === 'quantize') return requantize(graph, node);
  switch (definition.quantization.kind) {
    case 'linear':
      return absorbLinear(graph, node, definition);
    case 'sum':
      return absorbSum(graph, node);
    case 'passThrough':
      return absorbPassThrough(graph, node, definition.quantization);
    case 'float':
      return 0;
  }
}

/** The quantized value behind a DequantizeLinear with that value's own parameters. */
function quantized(value: Value | undefined): Value | undefined {
  const node = value?.producer;
  if (!node || operatorOf(node).conversion !== 'dequantize') return undefined;
  const source = node.inputs[0]!;
  return source.quantization && same(source.quantization, quantizationOf(node)) ? source : undefined;
}

function perTensor(value: Value | undefined): Value | undefined {
  const source = quantized(value);
  return source?.quantization?.axis === -1 && source.dtype !== 'int32' ? source : undefined;
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

function absorbLinear(graph: Graph, node: Node, definition: OperatorDefinition): number {
  const x = perTensor(node.inputs[0]);
  const weights = quantized(node.inputs[1]);
  if (
    !x ||
    !weights?.constant ||
    weights.dtype !== 'int8' ||
    !definition.linear!.quantizable(asConstantWeights(node, weights))
  )
    return 0;
  const parameters = weights.quantization!;
  const axis = definition.linear!.outputChannelAxis(node);
  if (parameters.zeroPoint.some((zero) => zero !== 0) || (parameters.axis !== -1 && parameters.axis !== axis))
    return 0;
  const bias = node.inputs[2];
  const biasSource = bias && quantized(bias);
  if (bias && !bias.constant && !biasSource?.constant) return 0;
  const residuals = node.inputs.slice(3).map((value) => perTensor(value));
  if (node.inputs.slice(3).some((value, index) => value && !residuals[index])) return 0;

  graph.setInput(node, 0, x);
  graph.setInput(node, 1, weights);
  if (bias && biasSource) {
    const real = dequantize(biasSource.constant!, biasSource.quantization!);
    graph.setInput(node, 2, graph.addConstant(`${bias.name}/real`, real));
  }
  residuals.forEach((residual, index) => residual && graph.setInput(node, index + 3, residual));
  const consumer = quantizer(graph, node.outputs[0]!);
  if (consumer) absorbOutput(graph, node, consumer);
  return 1;
}

/** The node as it will be: traits look at constant weights, which are still behind their dequantization. */
function asConstantWeights(node: Node, weights: Value): Node {
  const view = Object.create(node) as Node;
  Object.defineProperty(view, 'inputs', {
    value: node.inputs.map((value, index) =>
      index === 1 ? weights : index === 2 && value ? (quantized(value) ?? value) : value,
    ),
  });
  return view;
}

function absorbSum(graph: Graph, node: Node): number {
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
  if (node.outputs.filter(Boolean).length !== 1) return 0;
  const count = rule.data === 'first' ? 1 : node.inputs.length;
  const sources = node.inputs.slice(0, count).map(perTensor);
  const first = sources[0];
  if (
    !first ||
    sources.some(
      (source) => !source || source.dtype !== first.dtype || !same(source.quantization!, first.quantization!),
    )
  ) {
    return 0;
  }
  const result = node.outputs[0]!;
  const consumer = quantizer(graph, result);
  const kept = consumer && sameType(consumer.outputs[0]!, first);
  if (consumer && (kept || rule.averages)) {
    sources.forEach((source, index) => graph.setInput(node, index, source));
    absorbOutput(graph, node, consumer);
    return 1;
  }
  sources.forEach((source, index) => graph.setInput(node, index, source));
  if (rule.averages) return 1;
  // Moves bytes instead of floats and converts afterwards.
  const stored = graph.addValue(`${result.name}/quantized`, { dtype: first.dtype, shape: result.shape });
  stored.quantization = first.quantization;
  graph.setOutput(node, 0, stored);
  const { scale, zeroPoint } = firstConversion(first);
  graph.addNode({
    op: 'DequantizeLinear',
    name: `${node.name}/dequantize`,
    inputs: [stored, scale, zeroPoint],
    outputs: [result],
  });
  return 1;
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

function sameType(a: Value, b: Value): boolean {
  return a.dtype === b.dtype && !!a.quantization && !!b.quantization && same(a.quantization, b.quantization);
}

function same(a: QuantizationParameters, b: QuantizationParameters): boolean {
  return (
    a.scale.length === b.scale.length &&
    (a.axis === b.axis || a.scale.length === 1) &&
    a.scale.every((scale, index) => scale === b.scale[index]) &&
    a.zeroPoint.every((zero, index) => zero === b.zeroPoint[index])
  );
}
