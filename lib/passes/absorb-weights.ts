import type { Graph, Node, Value } from '../graph/graph';
import { sorted } from '../graph/order';
import { dequantize, quantizationOf } from '../ops/quantize';
import { operatorOf } from '../ops/registry';
import { compensateZeroPoints } from './compensate-zero-points';
import type { Pass } from './pass';
import { perTensor, quantized } from './quantized-values';

/**
 * Gives weighted operators whose data is quantized their int8 weights directly, with the scales on the weights' type, and
 * their bias as real numbers or as the int32 ones of the file. Also writes the parameters of each conversion onto the
 * quantized value beside it.
 */
export const absorbWeights: Pass = {
  name: 'absorb-weights',
  run(graph) {
    let edits = typeQuantizedValues(graph);
    for (const node of sorted(graph)) {
      const { linear, channelAffine, quantization } = operatorOf(node);
      if (linear && absorb(graph, node)) ++edits;
      if (channelAffine && quantization.kind === 'float') edits += makeParametersReal(graph, node);
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

function absorb(graph: Graph, node: Node): boolean {
  const linear = operatorOf(node).linear!;
  const x = perTensor(node.inputs[0]);
  const [, before, bias] = node.inputs;
  const weights = quantized(before);
  const parameters = weights?.quantization;
  if (!x || !weights?.constant || !parameters || weights.dtype !== 'int8') return false;
  if (parameters.axis !== -1 && parameters.axis !== linear.outputChannelAxis(node)) return false;
  const stored = bias && quantized(bias);
  if (bias && !bias.constant && !stored?.constant) return false;
  graph.setInput(node, 1, weights);
  if (bias && stored)
    graph.setInput(
      node,
      2,
      absorbedBias(graph, bias, stored, x, weights, weights.dims![linear.outputChannelAxis(node)]!),
    );
  if (!linear.quantizable(node)) {
    graph.setInput(node, 1, before);
    if (bias) graph.setInput(node, 2, bias);
    return false;
  }
  if (parameters.zeroPoint.some((zero) => zero !== 0)) compensateZeroPoints(graph, node);
  return true;
}

/**
 * An int32 bias that counts in units of the data's scale times the weights' stays as it is, and then the accumulator is exact;
 * another becomes real. Exporters multiply the scales in more than one way, so a few units in the last place do not count.
 */
function absorbedBias(
  graph: Graph,
  bias: Value,
  stored: Value,
  x: Value,
  weights: Value,
  channels: number,
): Value {
  const { scale, zeroPoint } = stored.quantization!;
  const [xScale] = x.quantization!.scale;
  const scales = weights.quantization!.scale;
  const pick = (list: Float32Array, channel: number): number => list[list.length > 1 ? channel : 0]!;
  const whole =
    stored.dtype === 'int32' &&
    stored.constant!.count === channels &&
    zeroPoint.every((zero) => zero === 0) &&
    Array.from({ length: Math.max(scale.length, scales.length) }, (_, c) => c).every((c) => {
      const unit = xScale! * pick(scales, c);
      return Math.abs(pick(scale, c) - unit) <= 1e-6 * unit;
    });
  if (whole) return stored;
  return graph.addConstant(`${bias.name}/real`, dequantize(stored.constant!, stored.quantization!));
}

/** Dequantizes constants for good where an operator has no use for quantized ones. */
function makeParametersReal(graph: Graph, node: Node): number {
  let edits = 0;
  node.inputs.forEach((value, index) => {
    const stored = value && quantized(value);
    if (!stored?.constant) return;
    const real = dequantize(stored.constant, stored.quantization!);
    graph.setInput(node, index, graph.addConstant(`${value!.name}/real`, real));
    ++edits;
  });
  return edits;
}
