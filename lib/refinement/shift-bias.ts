import { Constant } from '../graph/constant';
import type { Graph, Node } from '../graph/graph';
import { dequantize, quantizationOf } from '../ops/quantize';
import { operatorOf } from '../ops/registry';
import { biasScales, fitScalesToBias, quantizeBias } from '../quantization/bias';
import { channelAbsMax, quantizeWeights } from '../quantization/weights';
import { replaceStored, storedInput } from './stored';

/**
 * Adds real numbers to a quantized layer's int32 bias. Where the sum does not fit, the channel's scale gives way as when a layer
 * is quantized: weights so tiny beside their bias have precision to spare.
 * @param shifts shape [channels]
 */
export function shiftBias(graph: Graph, node: Node, shifts: Float64Array): void {
  const stored = storedInput(node, 2);
  const bias = Float32Array.from(
    stored.levels.array as Int32Array,
    (steps, channel) => steps * stored.scale[channel]! + shifts[channel]!,
  );
  const scale = fitWeights(graph, node, bias);
  if (scale) replaceStored(graph, node, 2, 'scale', Constant.float32([scale.length], scale));
  replaceStored(graph, node, 2, 'levels', quantizeBias(stored.levels, bias, scale ?? stored.scale));
}

/**
 * Rounds weights to coarser levels where the bias asks for them, of which they then use fewer than before; the bias's new scales, or
 * undefined where nothing changed.
 */
function fitWeights(graph: Graph, node: Node, bias: Float32Array): Float32Array | undefined {
  const inputScale = quantizationOf(node.inputs[0]!.producer!).scale[0]!;
  const { levels, scale, name } = storedInput(node, 1);
  const axis = operatorOf(node).linear!.outputChannelAxis(node);
  const weights = dequantize(levels, quantizationOf(node.inputs[1]!.producer!));
  const wider = fitScalesToBias(scale, channelAbsMax(weights, axis, name), bias, inputScale);
  if (wider.every((one, channel) => one === scale[channel])) return undefined;
  replaceStored(graph, node, 1, 'scale', Constant.float32([wider.length], wider));
  replaceStored(graph, node, 1, 'levels', quantizeWeights(weights, axis, wider, name));
  return biasScales(inputScale, wider, name);
}
