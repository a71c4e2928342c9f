import { Constant } from '../graph/constant';
import type { Graph, Node, Value } from '../graph/graph';
import { quantizationOf } from '../ops/quantize';
import { operatorOf } from '../ops/registry';
import { madeInInt8, type Assignment, type QuantizedGroup } from './assign';
import { quantizeLinearLayer } from './linear-layer';
import { realRange, STORED_BITS, type ActivationGrid } from './parameters';
import type { Scheme } from './scheme';

/**
 * Writes quantization into a canonical FP32 graph in ONNX's QDQ form: QuantizeLinear and DequantizeLinear around every quantized
 * value, weights as int8 and biases as int32 behind a DequantizeLinear of their own. Edits the graph that was assigned, of opset 13
 * or later.
 * @param grids how each group is stored, in the order of `assignment.groups`
 */
export function insertQuantization(
  graph: Graph,
  assignment: Assignment,
  grids: readonly ActivationGrid[],
  weightScales: Scheme['weightScales'],
): void {
  assignment.groups.forEach((group, index) => insertGroup(graph, assignment, group, grids[index]!));
  for (const node of assignment.linear)
    insertWeights(graph, node, weightScales, assignment.weightBits.get(node)!);
}

/** Puts the conversions around each value of a group. */
function insertGroup(
  graph: Graph,
  { quantized }: Assignment,
  group: QuantizedGroup,
  grid: ActivationGrid,
): void {
  const { dtype, scale, zeroPoint } = grid;
  const first = group.sources[0]!.name;
  const scaleValue = graph.addConstant(`${first}_scale`, Constant.float32([], Float32Array.of(scale)));
  const zero = new Constant(dtype, [], Uint8Array.of(zeroPoint));
  const zeroValue = graph.addConstant(`${first}_zero_point`, zero);
  for (const value of group.values) {
    const stored = graph.addValue(`${value.name}_quantized`, { dtype, shape: value.shape });
    const real = graph.addValue(`${value.name}_dequantized`, { dtype: 'float32', shape: value.shape });
    // What INT8 computes is read as INT8 by everybody; what FP32 computes is converted only for those who need it.
    const everybody = madeInInt8(value, quantized);
    const outputs = [...graph.outputs];
    graph.replaceUses(value, real, (consumer) => everybody || quantized.has(consumer));
    graph.outputs.splice(0, outputs.length, ...outputs);
    graph.addNode({
      op: 'QuantizeLinear',
      name: `${value.name}_QuantizeLinear`,
      inputs: [group.sources.includes(value) ? clipped(graph, value, grid) : value, scaleValue, zeroValue],
      outputs: [stored],
    });
    graph.addNode({
      op: 'DequantizeLinear',
      name: `${value.name}_DequantizeLinear`,
      inputs: [stored, scaleValue, zeroValue],
      outputs: [real],
    });
  }
}

/**
 * What is quantized in a value's place: QuantizeLinear saturates at nothing but its type's limits, so fewer bits need a Clip before
 * it.
 */
function clipped(graph: Graph, value: Value, grid: ActivationGrid): Value {
  if (grid.bits === STORED_BITS) return value;
  const result = graph.addValue(`${value.name}_clipped`, { dtype: 'float32', shape: value.shape });
  const [low, high] = realRange(grid);
  const bound = (what: string, x: number): Value =>
    graph.addConstant(`${value.name}_${what}`, Constant.float32([], Float32Array.of(x)));
  graph.addNode({
    op: 'Clip',
    name: `${value.name}_Clip`,
    inputs: [value, bound('least', low), bound('greatest', high)],
    outputs: [result],
  });
  return result;
}

function insertWeights(graph: Graph, node: Node, scales: Scheme['weightScales'], bits: number): void {
  // The data input is by now the dequantized copy of the value that was assigned.
  const inputScale = quantizationOf(node.inputs[0]!.producer!).scale[0]!;
  const weights = node.inputs[1]!;
  const bias = node.inputs[2];
  const axis = operatorOf(node).linear!.outputChannelAxis(node);
  const layer = quantizeLinearLayer({
    weights: weights.constant!,
    weightsName: weights.name,
    axis,
    bias: bias?.constant,
    biasName: bias?.name,
    inputScale,
    scales,
    bits,
  });
  const channels = layer.weightScale.length;
  const name = node.name;
  const dequantized = (what: string, stored: Constant, scale: Float32Array, channelAxis: number): Value => {
    const zero = new Constant(
      stored.dtype,
      [channels],
      new Uint8Array(stored.dtype === 'int32' ? channels * 4 : channels),
    );
    const result = graph.addValue(`${name}_${what}_dequantized`, { dtype: 'float32', shape: stored.dims });
    graph.addNode({
      op: 'DequantizeLinear',
      name: `${name}_${what}_DequantizeLinear`,
      inputs: [
        graph.addConstant(`${name}_${what}_quantized`, stored),
        graph.addConstant(`${name}_${what}_scale`, Constant.float32([channels], scale)),
        graph.addConstant(`${name}_${what}_zero_point`, zero),
      ],
      outputs: [result],
      attributes: [['axis', { kind: 'int', value: channelAxis }]],
    });
    return result;
  };
  graph.setInput(node, 1, dequantized('weights', layer.weights, layer.weightScale, axis));
  if (layer.bias) graph.setInput(node, 2, dequantized('bias', layer.bias, layer.biasScale, 0));
}
