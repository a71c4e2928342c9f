import { findCorrespondence } from '../../lib/report/correspondence';
import { Constant } from '../../lib/graph/constant';
import { Graph, type Value } from '../../lib/graph/graph';

/** Adds a node that makes a value of the given name. */
function node(graph: Graph, op: string, inputs: Value[], output: string): Value {
  const value = graph.addValue(output, { dtype: 'float32', shape: [1, 4] });
  graph.addNode({ op, name: `make ${output}`, inputs, outputs: [value] });
  return value;
}

/** x -> Sigmoid -> s -> Relu -> r -> Tanh -> y, without the ReLU where told. */
function network(relu: boolean): { graph: Graph; values: Record<'x' | 's' | 'y', Value> } {
  const graph = new Graph('test', 17);
  const x = graph.addValue('x', { dtype: 'float32', shape: [1, 4] });
  graph.inputs.push(x);
  const s = node(graph, 'Sigmoid', [x], 's');
  const y = node(graph, 'Tanh', [relu ? node(graph, 'Relu', [s], 'r') : s], 'y');
  graph.outputs.push(y);
  return { graph, values: { x, s, y } };
}

function quantize(graph: Graph, value: Value, scales: readonly number[] = [0.5]): void {
  const dims = scales.length === 1 ? [] : [scales.length];
  const scale = graph.addConstant(`${value.name}_scale`, Constant.float32(dims, scales));
  const zero = graph.addConstant('zero', new Constant('uint8', dims, new Uint8Array(scales.length)));
  const stored = graph.addValue(`${value.name}_stored`, { dtype: 'uint8', shape: value.shape });
  const real = graph.addValue(`${value.name}_real`, { dtype: 'float32', shape: value.shape });
  graph.replaceUses(value, real, () => true);
  graph.addNode({
    op: 'QuantizeLinear',
    name: `quantize ${value.name}`,
    inputs: [value, scale, zero],
    outputs: [stored],
  });
  graph.addNode({
    op: 'DequantizeLinear',
    name: `dequantize ${value.name}`,
    inputs: [stored, scale, zero],
    outputs: [real],
  });
}

test('values are matched by the name of what is quantized, in execution order', () => {
  const int8 = network(true);
  quantize(int8.graph, int8.values.s);
  quantize(int8.graph, int8.values.x);
  const { matches, unmatched } = findCorrespondence(network(true).graph, int8.graph);
  expect(matches.map(({ reference }) => reference.name)).toEqual(['x', 's']);
  expect(unmatched).toEqual([]);
});

test("where a tool left out a ReLU, the value is FP32's after it", () => {
  const int8 = network(false);
  quantize(int8.graph, int8.values.s);
  const { matches } = findCorrespondence(network(true).graph, int8.graph);
  expect(matches.map(({ reference, real }) => [reference.name, real.name])).toEqual([['r', 's']]);
});

test('what FP32 does not know and what has a scale a channel is listed with the reason', () => {
  const int8 = network(true);
  quantize(int8.graph, int8.values.s, [1, 1, 1, 1]);
  const other = node(int8.graph, 'Neg', [int8.values.y], 'elsewhere');
  quantize(int8.graph, other);
  const { matches, unmatched } = findCorrespondence(network(true).graph, int8.graph);
  expect(matches).toEqual([]);
  expect(unmatched).toEqual([
    { name: 's', reason: expect.stringContaining('each channel') as string },
    { name: 'elsewhere', reason: expect.stringContaining('no value of this name') as string },
  ]);
});
