import { Constant } from '../graph/constant';
import type { Graph, Node } from '../graph/graph';
import { dequantize, quantizationOf } from '../ops/quantize';
import { operatorOf } from '../ops/registry';
import { biasScales, fitScalesToBias, quantizeBias } from '../quantization/bias';
import { channelAbsMax, quantizeWeights } from '../quantization/weights';

/**
 * Adds real numbers to a quantized layer's int32 bias. Where the sum does not fit, the channel's scale gives way as when a layer
 * is quantized: weights so tiny beside their bias have precision to spare.
 * @param shifts shape [channels]
 */
export function shiftBias(graph: Graph, node: Node, shifts: Float64Array): void {
  const stored = read(node, 2);
  const bias = Float32Array.from(
    stored.levels.array as Int32Array,
    (steps, channel) => steps * stored.scale[channel]! + shifts[channel]!,
  );
  const scale = fitWeights(graph, node, bias);
  if (scale) replace(graph, node, 2, 1, Constant.float32([scale.length], scale));
  replace(graph, node, 2, 0, quantizeBias(stored.levels, bias, scale ?? stored.scale));
}

/** Rounds weights to coarser levels where the bias asks for them; the bias's new scales, or undefined where nothing changed. */
function fitWeights(graph: Graph, node: Node, bias: Float32Array): Float32Array | undefined {
  const inputScale = quantizationOf(node.inputs[0]!.producer!).scale[0]!;
  const { levels, scale, name } = read(node, 1);
  const axis = operatorOf(node).linear!.outputChannelAxis(node);
  const weights = dequantize(levels, quantizationOf(node.inputs[1]!.producer!));
  const wider = fitScalesToBias(scale, channelAbsMax(weights, axis, name), bias, inputScale);
  if (wider.every((one, channel) => one === scale[channel])) return undefined;
  replace(graph, node, 1, 1, Constant.float32([wider.length], wider));
  replace(graph, node, 1, 0, quantizeWeights(weights, axis, wider, name));
  return biasScales(inputScale, wider, name);
}

/** What is stored of a layer's weights (input 1) or bias (input 2). */
function read(node: Node, input: number): { levels: Constant; scale: Float32Array; name: string } {
  const conversion = node.inputs[input]!.producer!;
  const stored = conversion.inputs[0]!;
  return { levels: stored.constant!, scale: quantizationOf(conversion).scale, name: stored.name };
}

/** Puts a constant in the place of one that the conversion of a layer's input reads. */
function replace(graph: Graph, node: Node, input: number, index: number, constant: Constant): void {
  const conversion = node.inputs[input]!.producer!;
  const { name } = conversion.inputs[index]!;
  graph.setInput(conversion, index, graph.addConstant(`${name}_corrected`, constant));
}
