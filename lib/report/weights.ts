import type { Constant } from '../graph/constant';
import type { Graph, Node } from '../graph/graph';
import { sorted } from '../graph/order';
import { dequantize, quantizationOf } from '../ops/quantize';
import { operatorOf } from '../ops/registry';
import { channelLayout } from '../quantization/channels';
import { decibels } from './tensor-meter';

/** The weights of a convolution or matrix product in both networks. */
export interface LayerWeights {
  /** The node's name in the FP32 network. */
  readonly name: string;
  readonly op: string;
  /** Dimensions of the weights. */
  readonly dims: readonly number[];
  /** How the INT8 network stores them: `int8`, `uint8`, or `float32` where the layer stays in FP32; undefined where it was not found there. */
  readonly storedAs: string | undefined;
  /** FP32's least and greatest weight of each output channel. */
  readonly low: Float32Array;
  readonly high: Float32Array;
  /** Signal to noise between both networks' weights, dB; undefined where they cannot be compared. */
  readonly sqnrDb: number | undefined;
}

/** INT8's size over FP32's for each channel, where the INT8 network carries them at other sizes. */
export interface ChannelSizes {
  /** By a tensor's name in the FP32 network. */
  readonly tensors: ReadonlyMap<string, Float64Array>;
  /** Of a layer's results, by its name there. */
  readonly results: ReadonlyMap<string, Float64Array>;
}

/** Compares the weights of every layer at FP32's sizes, in FP32's execution order. Both graphs are canonical. */
export function compareWeights(reference: Graph, quantized: Graph, sizes: ChannelSizes): LayerWeights[] {
  const twins = twinFinder(quantized);
  return sorted(reference).flatMap((node) => {
    const constant = node.inputs[1]?.constant;
    const { linear } = operatorOf(node);
    if (!linear || constant?.dtype !== 'float32') return [];
    const values = constant.toFloat32();
    const stored = storedWeights(twins(node));
    const comparable = stored?.values.length === values.length;
    if (comparable) undoSizes(stored.values, constant.dims, node, sizes);
    return {
      name: node.name,
      op: node.op,
      dims: constant.dims,
      storedAs: stored?.dtype,
      ...channelRanges(constant, linear.outputChannelAxis(node), node.name),
      sqnrDb: comparable ? sqnr(values, stored.values) : undefined,
    };
  });
}

/** The layer with the same name, else the one that makes the value of the same name. */
function twinFinder(graph: Graph): (node: Node) => Node | undefined {
  const layers = [...graph.nodes].filter((node) => operatorOf(node).linear);
  const byName = new Map(layers.map((node) => [node.name, node]));
  const byResult = new Map(layers.map((node) => [node.outputs[0]?.name, node]));
  return (node) => byName.get(node.name) ?? byResult.get(node.outputs[0]?.name);
}

function storedWeights(node: Node | undefined): { dtype: string; values: Float32Array } | undefined {
  const value = node?.inputs[1];
  if (value?.constant) return { dtype: value.constant.dtype, values: value.constant.toFloat32() };
  const conversion = value?.producer;
  const constant = conversion?.inputs[0]?.constant;
  if (!conversion || !constant || operatorOf(conversion).conversion !== 'dequantize') return undefined;
  return { dtype: constant.dtype, values: dequantize(constant, quantizationOf(conversion)).toFloat32() };
}

/** What a layer's weights take over from the channels' sizes: the results' own, and the inverse of what it reads. */
function undoSizes(
  values: Float32Array,
  dims: readonly number[],
  node: Node,
  { tensors, results }: ChannelSizes,
): void {
  const { linear } = operatorOf(node);
  const made = results.get(node.name);
  const read = tensors.get(node.inputs[0]!.name);
  const channels = linear!.inputChannels(node);
  const axis = linear!.outputChannelAxis(node);
  const rows = dims[axis]!;
  const [inputAxis, groups] = [channels?.axis ?? 0, channels?.groups ?? 1];
  const perGroup = dims[inputAxis]!;
  const fits = made?.length === rows;
  const fitsInput = channels !== undefined && read?.length === perGroup * groups;
  if (!fits && !fitsInput) return;
  const stride = (at: number): number => dims.slice(at + 1).reduce((a, b) => a * b, 1);
  const [rowStride, inputStride] = [stride(axis), stride(inputAxis)];
  for (let i = 0; i < values.length; ++i) {
    const row = Math.floor(i / rowStride) % rows;
    const group = Math.floor(row / (rows / groups));
    const channel = group * perGroup + (Math.floor(i / inputStride) % perGroup);
    values[i]! *= (fitsInput ? read[channel]! : 1) / (fits ? made[row]! : 1);
  }
}

function channelRanges(
  weights: Constant,
  axis: number,
  name: string,
): { low: Float32Array; high: Float32Array } {
  const { channels, inner } = channelLayout(weights.dims, axis, name);
  const low = new Float32Array(channels).fill(Infinity);
  const high = new Float32Array(channels).fill(-Infinity);
  weights.toFloat32().forEach((x, index) => {
    const channel = Math.floor(index / inner) % channels;
    if (x < low[channel]!) low[channel] = x;
    if (x > high[channel]!) high[channel] = x;
  });
  return { low, high };
}

function sqnr(reference: Float32Array, values: Float32Array): number {
  let signal = 0;
  let noise = 0;
  reference.forEach((x, index) => {
    signal += x * x;
    noise += (x - values[index]!) ** 2;
  });
  return decibels(signal, noise);
}
