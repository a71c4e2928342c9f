import type { Graph, Node, Value } from '../graph/graph';
import { sorted } from '../graph/order';
import { operatorOf } from '../ops/registry';
import { sameShape } from '../ops/support/shapes';
import { fuses } from './fuses';
import type { Pass } from './pass';
import { perTensor } from './quantized-values';
import { conversion, originOf, removeConversions, roundingOf, type Origin } from './requantized';

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
  /** Where the operand comes from, perhaps past conversions between the producer and the sum, which fusing skips. */
  origin: Origin;
}

function candidate(graph: Graph, sum: Node, index: number): Candidate | undefined {
  const operand = sum.inputs[index]!;
  const residual = sum.inputs[1 - index]!;
  if (residual.constant || !sameShape(operand.shape, residual.shape)) return undefined;
  const origin = originOf(graph, operand);
  const producer = origin?.value.producer;
  if (!origin || !producer || producer.postOps.some(({ kind }) => kind === 'sum')) return undefined;
  if (!fuses(producer)) return undefined;
  // An INT8 accumulator can add what is quantized; a float residual would have to be quantized first.
  const quantized = conversion(producer.inputs[0], 'dequantize') !== undefined;
  const stored = perTensor(residual);
  if (quantized !== (stored !== undefined)) return undefined;
  if (origin.quantizer && isAsymmetric(sum, origin.quantizer, stored!)) return undefined;
  return { producer, residual, origin };
}

/**
 * Where zero points are in play, onnxruntime's sum of what was rounded before cannot be had from an accumulator to the last
 * bit, and one bit decides about halves. Such files come from other tools; a kernel of its own sums as onnxruntime does.
 */
function isAsymmetric(sum: Node, quantizer: Node, residual: Value): boolean {
  const [consumer] = sum.outputs[0]!.consumers;
  const results = consumer && operatorOf(consumer).conversion === 'quantize' ? consumer.outputs : [];
  return [...quantizer.outputs, residual, ...results].some(
    (value) => value?.quantization?.zeroPoint[0] !== 0,
  );
}

function fuse(graph: Graph, sum: Node, { producer, residual, origin }: Candidate): void {
  const result = sum.outputs[0]!;
  const index = Math.max(3, producer.inputs.length);
  const rounding = roundingOf(origin);
  graph.removeNode(sum);
  removeConversions(graph, origin);
  graph.setInput(producer, index, residual);
  producer.postOps = [...producer.postOps, ...rounding, { kind: 'sum', input: index }];
  graph.setOutput(producer, 0, result);
}
