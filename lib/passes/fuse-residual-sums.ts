import type { Graph, Node, PostOp, Value } from '../graph/graph';
import { sorted } from '../graph/order';
import { quantizationOf } from '../ops/quantize';
import { operatorOf } from '../ops/registry';
import { sameShape } from '../ops/support/shapes';
import type { Pass } from './pass';

/**
 * Adds the residual inside the convolution (or matrix product) that computes one operand, before its result is converted:
 * one pass over memory less. Where that operand was requantized between the two (Conv, QuantizeLinear, DequantizeLinear,
 * Add, as onnxruntime needs it to fuse the convolution), it is rounded in the register as the file says, so that the answer
 * stays the same.
 */
export const fuseResidualSums: Pass = {
  name: 'fuse-residual-sums',
  run(graph) {
    let edits = 0;
    const position = new Map(sorted(graph).map((node, index) => [node, index]));
    for (const node of position.keys()) {
      if (operatorOf(node).quantization.kind !== 'sum' || node.inputs.length !== 2) continue;
      const candidates = [0, 1]
        .map((index) => candidate(graph, node, index))
        .filter((found) => found !== undefined)
        // The later operand is added to the earlier one, which is then ready and often needs no copy.
        .sort((a, b) => position.get(b.producer)! - position.get(a.producer)!);
      if (candidates[0]) {
        fuse(graph, node, candidates[0]);
        ++edits;
      }
    }
    return edits;
  },
};

interface Candidate {
  producer: Node;
  residual: Value;
  /** Conversions between the producer and the sum, which fusing skips. */
  skipped: Node[];
}

const conversion = (value: Value | undefined, kind: 'quantize' | 'dequantize'): Node | undefined =>
  value?.producer && operatorOf(value.producer).conversion === kind ? value.producer : undefined;

function candidate(graph: Graph, sum: Node, index: number): Candidate | undefined {
  const operand = sum.inputs[index]!;
  const residual = sum.inputs[1 - index]!;
  if (residual.constant || !sameShape(operand.shape, residual.shape)) return undefined;
  const skipped: Node[] = [];
  let value = operand;
  for (const kind of ['dequantize', 'quantize'] as const) {
    const node = conversion(value, kind);
    if (!node) break;
    if (!graph.hasSingleUse(value) || quantizationOf(node).axis !== -1) return undefined;
    skipped.push(node);
    value = node.inputs[0]!;
  }
  const producer = value.producer;
  if (skipped.length === 1 || !producer || producer.postOps.length > 0 || !graph.hasSingleUse(value))
    return undefined;
  if (!operatorOf(producer).linear?.quantizable(producer)) return undefined;
  // An INT8 accumulator can add what is quantized; a float residual would have to be quantized first.
  const quantized = conversion(producer.inputs[0], 'dequantize') !== undefined;
  if (quantized !== (conversion(residual, 'dequantize') !== undefined)) return undefined;
  return { producer, residual, skipped };
}

function fuse(graph: Graph, sum: Node, { producer, residual, skipped }: Candidate): void {
  const result = sum.outputs[0]!;
  const index = Math.max(3, producer.inputs.length);
  graph.removeNode(sum);
  for (const node of skipped) graph.removeNode(node);
  graph.setInput(producer, index, residual);
  producer.postOps = [...skipped.flatMap(roundingOf), { kind: 'sum', input: index }];
  graph.setOutput(producer, 0, result);
}

/** Rounding to the grid of a QuantizeLinear and back, as functions of the real-valued operand. */
function roundingOf(node: Node): PostOp[] {
  if (operatorOf(node).conversion !== 'quantize') return [];
  const { scale, zeroPoint } = quantizationOf(node);
  const [low, high] = node.outputs[0]!.dtype === 'uint8' ? [0, 255] : [-128, 127];
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
