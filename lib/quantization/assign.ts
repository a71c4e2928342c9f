import type { Graph, Node, Value } from '../graph/graph';
import { sorted } from '../graph/order';
import { operatorOf } from '../ops/registry';
import { sameShape } from '../ops/support/shapes';
import { activationBits, weightBits } from './bits';
import type { ActivationType } from './parameters';
import { ScaleGroups } from './scale-groups';
import { matching } from './patterns';
import type { Scheme } from './scheme';

/** Values that share one scale and type. */
export interface QuantizedGroup {
  readonly values: readonly Value[];
  readonly dtype: ActivationType;
  /** Whether it may be uint8 with a zero point instead of int8. */
  readonly mayShift: boolean;
  /** Those whose numbers are new in the group; the others pass them on. Their statistics make the scale. */
  readonly sources: readonly Value[];
  /** Bits that the levels use. */
  readonly bits: number;
}

/** What is to be quantized, decided on a canonical FP32 graph. */
export interface Assignment {
  /** Convolutions and matrix products with constant weights that compute in INT8. */
  readonly linear: ReadonlySet<Node>;
  /** Products of two computed tensors that compute in INT8. */
  readonly products: ReadonlySet<Node>;
  /** Every node that works on quantized numbers: those, residual sums, and what passes quantized numbers on. */
  readonly quantized: ReadonlySet<Node>;
  readonly groups: readonly QuantizedGroup[];
  /** Bits that the levels of the weights use, for each of `linear`. */
  readonly weightBits: ReadonlyMap<Node, number>;
}

/**
 * Decides which nodes compute in INT8 and which values are quantized for them: the inputs of INT8 layers, their results where
 * somebody computes with them, and both operands of a residual sum. Data movement and pooling join where an INT8 layer
 * follows, so that a region of pure data movement between FP32 operators stays FP32. A layer that the scheme excludes stays
 * FP32 as a whole: it reads INT8 neighbors dequantized, or in FP32 from an INT8 layer that nobody else reads.
 * @param returned names of further layers that stay in FP32
 * @throws INVALID_ARGUMENT where a pattern of `scheme.exclude` matches no layer
 */
export function assign(graph: Graph, scheme: Scheme, returned: ReadonlySet<string> = new Set()): Assignment {
  const order = sorted(graph);
  const chosen = chooseLayers(graph, order, scheme);
  const layers = new Set(chosen.filter(({ name }) => !returned.has(name)));
  const products = new Set([...layers].filter(multipliesActivations));
  const linear = new Set([...layers].filter((node) => !products.has(node)));
  const quantized = new Set<Node>(layers);
  const groups = new ScaleGroups();
  const exact = scheme.residuals === 'exact' ? fusedOperands(graph, order, chosen) : new Set<Value>();
  for (const node of linear) {
    groups.add(node.inputs[0]!);
    const end = endOf(graph, node);
    if (exact.has(end)) continue;
    const roundingServes = !onlyMovedToOutputs(graph, end) && !onlyReadInFp32(end, layers);
    if (operatorOf(node).linear!.family === 'convolution' && roundingServes) groups.add(end);
  }
  for (const node of products) for (const value of node.inputs) groups.add(value!);
  for (const node of order) joinSum(graph, node, linear, quantized, groups, exact);
  // Backwards, so that a chain of data movement before an INT8 layer is taken in whole.
  for (const node of [...order].reverse()) joinPassThrough(node, scheme, quantized, groups);
  if (graph.opset >= OUTPUT_DTYPE_OPSET) for (const node of order) joinFollower(node, quantized, groups);
  return {
    linear,
    products,
    quantized,
    groups: groups.groups().map((values) => describeGroup(graph, scheme, values, quantized)),
    weightBits: new Map([...linear].map((node) => [node, weightBits(node, scheme.bits)])),
  };
}

function multipliesActivations(node: Node): boolean {
  return operatorOf(node).linear?.multipliesActivations?.(node) === true;
}

function chooseLayers(graph: Graph, order: readonly Node[], scheme: Scheme): Node[] {
  const candidates = order.filter((node) => {
    const { linear } = operatorOf(node);
    if (multipliesActivations(node)) return true;
    if (!linear?.quantizable(node) || node.inputs[1]!.constant!.dtype !== 'float32') return false;
    return !node.inputs[2] || node.inputs[2].constant !== undefined;
  });
  const left = new Set(scheme.exclude.flatMap((pattern) => excluded(candidates, pattern)));
  const isConvolution = (node: Node): boolean => operatorOf(node).linear!.family === 'convolution';
  if (scheme.firstConv === 'fp32') {
    const first = candidates.find((node) => isConvolution(node) && seesInput(graph, node));
    if (first) left.add(first);
  }
  if (scheme.fullyConnected === 'fp32')
    for (const node of candidates) if (!isConvolution(node)) left.add(node);
  return candidates.filter((node) => !left.has(node));
}

function excluded(candidates: readonly Node[], pattern: string): Node[] {
  return matching(candidates, pattern, 'exclude (precision fp32)', 'a layer that could compute in INT8');
}

/** True where a graph input reaches the node's data without passing through another weighted operator. */
function seesInput(graph: Graph, node: Node): boolean {
  let value = node.inputs[0]!;
  while (value.producer && !operatorOf(value.producer).linear) value = value.producer.inputs[0]!;
  return graph.inputs.includes(value);
}

/** The value after the element-wise functions that run fused with the node, which is what gets quantized. */
function endOf(graph: Graph, node: Node): Value {
  let value = node.outputs[0]!;
  while (graph.hasSingleUse(value)) {
    const [consumer] = value.consumers;
    if (!operatorOf(consumer!).eltwise?.(consumer!, graph.opset)) break;
    value = consumer!.outputs[0]!;
  }
  return value;
}

/** True where a value is nothing but an output of the network, possibly reshaped: rounding it to 8 bits would serve nobody. */
function onlyMovedToOutputs(graph: Graph, value: Value): boolean {
  if (value.consumers.size === 0) return graph.outputs.includes(value);
  return [...value.consumers].every((consumer) => {
    const rule = operatorOf(consumer).quantization;
    if (rule.kind !== 'passThrough' || !rule.moves) return false;
    return consumer.outputs.every((output) => !output || onlyMovedToOutputs(graph, output));
  });
}

/** True where only layers left in FP32 read a value, possibly pooled or moved: rounding it would cost accuracy and time. */
function onlyReadInFp32(value: Value, layers: ReadonlySet<Node>): boolean {
  return (
    value.consumers.size > 0 &&
    [...value.consumers].every((consumer) => {
      const { linear: weighted, quantization } = operatorOf(consumer);
      if (weighted) return !layers.has(consumer);
      return (
        quantization.kind === 'passThrough' &&
        consumer.outputs.every((output) => !output || onlyReadInFp32(output, layers))
      );
    })
  );
}

/** A sum is quantized where an INT8 layer computes one operand, into which it is then fused, or where both are quantized anyway. */
function joinSum(
  graph: Graph,
  node: Node,
  linear: ReadonlySet<Node>,
  quantized: Set<Node>,
  groups: ScaleGroups,
  exact: ReadonlySet<Value>,
): void {
  if (!isResidualSum(node)) return;
  const [a, b] = node.inputs as [Value, Value];
  // Of what was to be added unrounded nobody knows the range: where its layer was returned, the sum is FP32 too.
  if ([a, b].some((value) => exact.has(value) && !linear.has(value.producer!))) return;
  const computed = [a, b].some(
    (value) => value.producer && linear.has(value.producer) && graph.hasSingleUse(value),
  );
  if (!computed && !(groups.has(a) && groups.has(b))) return;
  const end = endOf(graph, node);
  if (onlyMovedToOutputs(graph, end)) return;
  quantized.add(node);
  for (const value of [a, b, end]) if (!exact.has(value)) groups.add(value);
}

function isResidualSum(node: Node): boolean {
  if (operatorOf(node).quantization.kind !== 'sum' || node.inputs.length !== 2) return false;
  const [a, b] = node.inputs as [Value, Value];
  return !a.constant && !b.constant && sameShape(a.shape, b.shape);
}

/** Of every residual sum that is quantized the operand whose layer it is fused into: the one that is computed last. */
function fusedOperands(graph: Graph, order: readonly Node[], layers: readonly Node[]): Set<Value> {
  const linear = new Set(layers.filter((node) => !multipliesActivations(node)));
  const position = new Map(order.map((node, index) => [node, index]));
  const operands = order.filter(isResidualSum).flatMap((sum) => {
    if (onlyMovedToOutputs(graph, endOf(graph, sum))) return [];
    const computed = (sum.inputs as Value[])
      .filter(({ producer }) => producer && linear.has(producer))
      .filter((value) => graph.hasSingleUse(value))
      .sort((a, b) => position.get(b.producer!)! - position.get(a.producer!)!);
    return computed.slice(0, 1);
  });
  return new Set(operands);
}

function joinPassThrough(node: Node, scheme: Scheme, quantized: Set<Node>, groups: ScaleGroups): void {
  const rule = operatorOf(node).quantization;
  const outputs = node.outputs.filter((value) => value !== undefined);
  if (rule.kind !== 'passThrough' || !outputs.some((value) => groups.has(value))) return;
  const data = rule.data === 'first' ? node.inputs.slice(0, 1) : node.inputs;
  if (data.some((value) => !value || value.constant || value.dtype !== 'float32')) return;
  quantized.add(node);
  if (hasOwnScale(node, scheme)) for (const value of data) groups.add(value!);
  else for (const value of [...data, ...outputs]) groups.tie(value!, outputs[0]!);
}

/** True where a node that could keep its input's scale gets another one. */
function hasOwnScale(node: Node, { averages }: Scheme): boolean {
  const rule = operatorOf(node).quantization;
  return averages === 'own' && rule.kind === 'passThrough' && rule.averages === true;
}

/** From here on QuantizeLinear has the attribute output_dtype. */
const OUTPUT_DTYPE_OPSET = 21;

/**
 * From opset 21 on, data movement and maximum pooling of what INT8 made stay INT8 even where FP32 follows. The numbers are the
 * same; it leaves nothing to onnxruntime 1.30's own propagation of conversions, which makes int8 ones that it then refuses.
 */
function joinFollower(node: Node, quantized: Set<Node>, groups: ScaleGroups): void {
  const rule = operatorOf(node).quantization;
  if (rule.kind !== 'passThrough' || rule.averages || rule.data !== 'first' || quantized.has(node)) return;
  const data = node.inputs[0];
  if (!data || !groups.has(data) || !madeInInt8(data, quantized)) return;
  const outputs = node.outputs.filter((value) => value !== undefined && value.consumers.size > 0);
  if (outputs.length === 0 || outputs.length < node.outputs.length) return;
  quantized.add(node);
  for (const value of outputs) groups.tie(data, value!);
}

/** True where an INT8 node makes the value, be it through element-wise functions that run fused with it. */
export function madeInInt8(value: Value, quantized: ReadonlySet<Node>): boolean {
  let node = value.producer;
  while (node && !quantized.has(node) && operatorOf(node).eltwise) node = node.inputs[0]?.producer;
  return node !== undefined && quantized.has(node);
}

function describeGroup(
  graph: Graph,
  scheme: Scheme,
  values: readonly Value[],
  quantized: ReadonlySet<Node>,
): QuantizedGroup {
  const passesOn = (value: Value): boolean =>
    value.producer !== undefined &&
    quantized.has(value.producer) &&
    operatorOf(value.producer).quantization.kind === 'passThrough' &&
    !hasOwnScale(value.producer, scheme);
  const sources = values.filter((value) => !passesOn(value));
  const unsigned = sources.every((value) => cannotBeNegative(graph, value)) && !values.some(mustBeSigned);
  const mayShift = scheme.activations === 'asymmetric' && !unsigned && values.every(zeroPointIsFree(scheme));
  const bits = activationBits(values, scheme.bits);
  return { values, sources, dtype: unsigned ? 'uint8' : 'int8', mayShift, bits };
}

/** False where a zero point would be in the way of fast code: of matrix products, and of fusing sums. */
function zeroPointIsFree({ residuals }: Scheme): (value: Value) => boolean {
  const isMatrix = (node: Node): boolean => operatorOf(node).linear?.family === 'fullyConnected';
  // A sum of operands that were rounded before is fused only where the answer is onnxruntime's to the last bit.
  const isOpenSum = (node: Node): boolean =>
    residuals === 'rounded' && operatorOf(node).quantization.kind === 'sum';
  return ({ producer, consumers }) =>
    !(producer && isOpenSum(producer)) && ![...consumers].some((node) => isMatrix(node) || isOpenSum(node));
}

/** True where a product takes the value in the place of weights, which are int8. */
function mustBeSigned(value: Value): boolean {
  return [...value.consumers].some((node) => node.inputs[1] === value && multipliesActivations(node));
}

function cannotBeNegative(graph: Graph, value: Value): boolean {
  const node = value.producer;
  if (!node) return false;
  const definition = operatorOf(node);
  if (definition.nonNegative?.(node, graph.opset)) return true;
  const rule = definition.quantization;
  if (rule.kind === 'sum') return node.inputs.every((input) => cannotBeNegative(graph, input!));
  if (rule.kind !== 'passThrough') return false;
  const data = rule.data === 'first' ? node.inputs.slice(0, 1) : node.inputs;
  return data.every((input) => input !== undefined && cannotBeNegative(graph, input));
}
