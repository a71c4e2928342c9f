import { Constant } from '../graph/constant';
import type { Graph, Node, Value } from '../graph/graph';
import { operatorOf } from '../ops/registry';
import { madeInInt8, type Assignment, type QuantizedGroup } from './assign';
import { quantizeLinearLayer } from './linear-layer';
import type { ActivationGrid } from './parameters';
import type { Scheme } from './scheme';

/**
 * Writes quantization into a canonical FP32 graph in ONNX's QDQ form: QuantizeLinear and DequantizeLinear around every quantized
 * value, weights as int8 and biases as int32 behind a DequantizeLinear of their own. Edits the graph that was assigned.
 * @param grids how each group is stored, in the order of `assignment.groups`
 */
export function insertQuantization(
  graph: Graph,
  assignment: Assignment,
  grids: readonly ActivationGrid[],
  weightScales: Scheme['weightScales'],
): void {
  const inputScales = new Map<Value, number>();
  assignment.groups.forEach((group, index) => {
    const grid = grids[index]!;
    insertGroup(graph, assignment, group, grid);
    for (const value of group.values) inputScales.set(value, grid.scale);
  });
  for (const node of assignment.linear) {
    // The data input is by now the dequantized copy of the value that was assigned.
    const quantizer = node.inputs[0]!.producer!.inputs[0]!.producer!;
    insertWeights(graph, node, inputScales.get(quantizer.inputs[0]!)!, weightScales);
  }
}

/** Puts the conversions around each value of a group. */
function insertGroup(
  graph: Graph,
  { quantized }: Assignment,
  group: QuantizedGroup,
  { dtype, scale, zeroPoint }: ActivationGrid,
): void {
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
      inputs: [value, scaleValue, zeroValue],
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

function insertWeights(graph: Graph, node: Node, inputScale: number, scales: Scheme['weightScales']): void {
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
