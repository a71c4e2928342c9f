import type { Graph, Node, PostOp, Value } from '../graph/graph';
import { quantizationOf } from '../ops/quantize';
import { operatorOf } from '../ops/registry';

/** What a value is made of where it was quantized and dequantized on the way, per tensor and for this use alone. */
export interface Origin {
  /** The value before the conversions, or the value itself where there are none. */
  readonly value: Value;
  /** The QuantizeLinear on the way. */
  readonly quantizer: Node | undefined;
}

/** The node of a kind of conversion that makes a value. */
export const conversion = (value: Value | undefined, kind: 'quantize' | 'dequantize'): Node | undefined =>
  value?.producer && operatorOf(value.producer).conversion === kind ? value.producer : undefined;

/** Looks behind DequantizeLinear(QuantizeLinear(x)); undefined where something else reads one of the values. */
export function originOf(graph: Graph, value: Value): Origin | undefined {
  if (!graph.hasSingleUse(value)) return undefined;
  const dequantizer = conversion(value, 'dequantize');
  if (!dequantizer) return { value, quantizer: undefined };
  const stored = dequantizer.inputs[0]!;
  const quantizer = conversion(stored, 'quantize');
  if (!quantizer || !graph.hasSingleUse(stored)) return undefined;
  const real = quantizer.inputs[0]!;
  const perTensor = [quantizer, dequantizer].every((node) => quantizationOf(node).axis === -1);
  return perTensor && graph.hasSingleUse(real) ? { value: real, quantizer } : undefined;
}

/** Removes the conversions between an origin and the value that was made of it. */
export function removeConversions(graph: Graph, { quantizer }: Origin): void {
  if (!quantizer) return;
  for (const consumer of quantizer.outputs[0]!.consumers) graph.removeNode(consumer);
  graph.removeNode(quantizer);
}

/** Rounding to the grid of a QuantizeLinear and back, as functions of the real-valued operand. */
export function roundingOf({ quantizer }: Origin): PostOp[] {
  if (!quantizer) return [];
  const { scale, zeroPoint } = quantizationOf(quantizer);
  const [low, high] = quantizer.outputs[0]!.dtype === 'uint8' ? [0, 255] : [-128, 127];
  const eltwise = (algorithm: string, alpha = 0, beta = 0): PostOp => ({
    kind: 'eltwise',
    algorithm,
    alpha,
    beta,
  });
  return [
    eltwise('linear', 1 / scale[0]!),
    eltwise('round'),
    eltwise('clip', low - zeroPoint[0]!, high - zeroPoint[0]!),
    eltwise('linear', scale[0]!),
  ];
}
