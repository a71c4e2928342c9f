import { Constant } from '../graph/constant';
import { elementCount } from '../graph/data-type';
import type { Graph, Node, QuantizationParameters, Value } from '../graph/graph';

/**
 * Lets a quantized layer whose weights have a zero point compute in INT8. With weights w and their zero point z,
 * sum (x - zx) (w - z) = sum (x - zx) w - z sum (x - zx): the second sum is the same layer with weights of -z each, whose
 * result is added to the first one's accumulator. oneDNN's kernels add whole tensors only, so it has as many output channels.
 */
export function compensateZeroPoints(graph: Graph, node: Node): void {
  const weights = node.inputs[1]!;
  const { scale, axis } = weights.quantization!;
  const symmetric = graph.addConstant(`${weights.name}/symmetric`, weights.constant!);
  symmetric.quantization = { scale, axis, zeroPoint: new Int32Array(scale.length) };
  const { inputs, name, op, domain, attributes } = node;
  const { factors, sums } = compensation(graph, node);
  graph.addNode({
    op,
    domain,
    name: `${name}/zero_points`,
    inputs: [inputs[0], factors],
    outputs: [sums],
    attributes,
  });
  const index = Math.max(3, inputs.length);
  graph.setInput(node, 1, symmetric);
  graph.setInput(node, index, sums);
  node.postOps = [{ kind: 'binary', algorithm: 'add', input: index }];
}

/** The weights of the second sum, and the value that takes its result. */
function compensation(graph: Graph, node: Node): { factors: Value; sums: Value } {
  const [x, weights] = node.inputs as [Value, Value];
  const { scale, zeroPoint, axis } = weights.quantization!;
  const zeros = new Int32Array(scale.length);
  const { dims } = weights.constant!;
  const name = `${weights.name}/zero_points`;
  if (axis === -1 && zeroPoint[0] !== -128) {
    // Whole numbers in units of the accumulator: as exact as if the weights had no zero point.
    const unit = Math.fround(quantizedScale(x) * scale[0]!);
    const sums = graph.addValue(name, { dtype: 'int32' });
    sums.quantization = { scale: Float32Array.of(unit), zeroPoint: zeros, axis };
    const factors = constantOf(
      graph,
      name,
      dims,
      zeroPoint.map((zero) => -zero),
      { scale, zeroPoint: zeros, axis },
    );
    return { factors, sums };
  }
  // The addon scales accumulators by channel before it can add to them, and 128 is no int8: real numbers then.
  const parameters = {
    scale: scale.map((s, c) => s * Math.max(1, Math.abs(zeroPoint[c]!))),
    zeroPoint: zeros,
    axis,
  };
  const signs = zeroPoint.map((zero) => -Math.sign(zero));
  return {
    factors: constantOf(graph, name, dims, signs, parameters),
    sums: graph.addValue(name, { dtype: 'float32' }),
  };
}

/** The scale of the stored value that a DequantizeLinear makes real. */
function quantizedScale(value: Value): number {
  return value.producer!.inputs[0]!.quantization!.scale[0]!;
}

/** One number a channel, over all of the channel's weights. */
function constantOf(
  graph: Graph,
  name: string,
  dims: readonly number[],
  perChannel: Int32Array,
  quantization: QuantizationParameters,
): Value {
  const { axis } = quantization;
  const inner = axis < 0 ? elementCount(dims) : elementCount(dims.slice(axis + 1));
  const data = new Int8Array(elementCount(dims));
  for (let start = 0, c = 0; start < data.length; start += inner, c = (c + 1) % perChannel.length)
    data.fill(perChannel[c]!, start, start + inner);
  const value = graph.addConstant(name, Constant.from('int8', dims, data));
  value.quantization = quantization;
  return value;
}
