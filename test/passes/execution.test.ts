import type { Graph, Node } from '../../lib/graph/graph';
import { sorted } from '../../lib/graph/order';
import { verify } from '../../lib/graph/verify';
import { readModel } from '../../lib/onnx';
import { checkOperators } from '../../lib/passes/check-operators';
import { dropRedundantClamps } from '../../lib/passes/drop-redundant-clamps';
import { fuseActivations } from '../../lib/passes/fuse-activations';
import { fuseResidualSums } from '../../lib/passes/fuse-residual-sums';
import type { Pass } from '../../lib/passes/pass';
import { EXECUTION, runPasses } from '../../lib/passes/pipeline';
import type { Value } from '../../lib/graph/graph';
import { expectAgreement, randomTensor } from '../support/agree';
import { ModelBuilder, type Grid } from '../support/model';
import { convAttributes, layerInputs, storedLayer, U8 } from '../support/quantized-conv';
import { Random } from '../support/random';
import { operators, typed } from './support';

const SHAPE = { x: [1, 4, 5, 5], w: [4, 4, 3, 3], pads: [1, 1, 1, 1] };
const S8: Grid = { dtype: 'int8', scale: 0.5, zero: 0 };

const conv = (m: ModelBuilder, x: Value): Value =>
  m.node('Conv', [x, m.constant(new Random(1).floats(144), [4, 4, 3, 3])], convAttributes(SHAPE));

const quantizedConv = (m: ModelBuilder, x: Value): Value =>
  m.node('Conv', [x, ...layerInputs(m, storedLayer(new Random(1), SHAPE), U8)], convAttributes(SHAPE));

/** The node that a test is about. */
function only(graph: Graph, op: string): Node {
  const found = sorted(graph).filter((node) => node.op === op);
  expect(found).toHaveLength(1);
  return found[0]!;
}

async function lowered(model: ModelBuilder): Promise<Graph> {
  const graph = await readModel(model.bytes());
  runPasses(graph, EXECUTION);
  return graph;
}

test.each<[string, string[], (m: ModelBuilder, x: Value) => Value]>([
  ['float32', ['ConvTranspose', 'Relu'], (_, x) => x],
  [
    'INT8',
    ['ConvTranspose', 'DequantizeLinear'],
    (m, x) => m.requantized(x, { dtype: 'uint8', scale: 0.01, zero: 0 }),
  ],
])('an activation after a transposed convolution in %s', async (_, wanted, prepare) => {
  const m = new ModelBuilder();
  const weights = m.dequantize(m.constant(new Random(1).ints(64, -9, 9), [4, 4, 2, 2], 'int8'), S8);
  const plain = m.constant(new Random(1).floats(64), [4, 4, 2, 2]);
  const x = prepare(m, m.input('x', [1, 4, 5, 5]));
  const y = m.node('ConvTranspose', [x, wanted.includes('Relu') ? plain : weights]);
  const result = m.node('Relu', [y]);
  m.output(wanted.includes('Relu') ? result : m.requantized(result, U8));
  const names = operators(await lowered(m)).filter((op) => op !== 'QuantizeLinear');
  expect(names).toEqual(wanted);
});

describe('fuse-biases', () => {
  const product = (m: ModelBuilder): Value =>
    m.node('MatMul', [m.input('x', [2, 3, 4]), m.constant(new Random(1).floats(20), [4, 5])]);

  test.each([[[5]], [[1, 1, 5]]])(
    'of shape %p into a product of three dimensions, with what follows',
    async (dims) => {
      const m = new ModelBuilder();
      const bias = m.constant(new Random(2).floats(5), dims);
      m.output(m.node('Relu', [m.node('Add', [bias, product(m)])]));
      const graph = await lowered(m);
      expect(operators(graph)).toEqual(['MatMul']);
      expect(only(graph, 'MatMul').inputs[2]!.constant!.toFloat32()).toEqual(new Random(2).floats(5));
      await expectAgreement(m, { x: randomTensor(new Random(3), 'float32', [2, 3, 4]) });
    },
  );

  test('not one that differs from row to row', async () => {
    const m = new ModelBuilder();
    m.output(m.node('Add', [product(m), m.constant(new Random(2).floats(3), [3, 1])]));
    expect(operators(await lowered(m))).toEqual(['MatMul', 'Add']);
  });
});

describe('fuse-activations', () => {
  test('Relu and Clip join the convolution before them', async () => {
    const m = new ModelBuilder();
    const y = m.node('Relu', [conv(m, m.input('x', SHAPE.x))]);
    m.output(m.node('Clip', [y, undefined, m.constant([6], [])]));
    const graph = await typed(m);
    expect(fuseActivations.run(graph)).toBe(2);
    verify(graph);
    expect(only(graph, 'Conv').postOps).toMatchObject([
      { algorithm: 'relu' },
      { algorithm: 'clip', beta: 6 },
    ]);
    expect(operators(graph)).toEqual(['Conv']);
  });

  test.each<[string, (m: ModelBuilder, y: Value) => void]>([
    ['a result that others read', (m, y) => void m.output(m.node('Relu', [y])).output(m.node('Tanh', [y]))],
    ['a graph output', (m, y) => void m.output(y).output(m.node('Relu', [y]))],
    ['bounds that are computed', (m, y) => void m.output(m.node('Clip', [y, m.input('low', [])]))],
  ])('not onto %s', async (_, append) => {
    const m = new ModelBuilder();
    append(m, conv(m, m.input('x', SHAPE.x)));
    const graph = await typed(m);
    fuseActivations.run(graph);
    expect(only(graph, 'Conv').postOps).toEqual([]);
  });

  test('not where the value is observed', async () => {
    const m = new ModelBuilder();
    m.output(m.node('Relu', [conv(m, m.input('x', SHAPE.x))]));
    const graph = await typed(m);
    only(graph, 'Conv').outputs[0]!.observer = 0;
    expect(fuseActivations.run(graph)).toBe(0);
  });
});

describe('fuse-residual-sums', () => {
  test('the later of two convolutions takes the sum', async () => {
    const m = new ModelBuilder();
    const x = m.input('x', SHAPE.x);
    const [a, b] = [conv(m, x), conv(m, conv(m, x))];
    m.output(m.node('Add', [a, b]));
    const graph = await typed(m);
    expect(fuseResidualSums.run(graph)).toBe(1);
    verify(graph);
    const fused = sorted(graph).filter(({ postOps }) => postOps.length > 0);
    expect(fused.map(({ outputs }) => outputs[0])).toEqual(graph.outputs);
    expect(sorted(graph)).toHaveLength(3);
  });

  test.each<[string, (m: ModelBuilder, y: Value, x: Value) => Value]>([
    ['a residual that broadcasts', (m, y) => m.node('Add', [y, m.node('Relu', [m.input('r', [4, 1, 1])])])],
    ['a constant', (m, y) => m.node('Add', [y, m.constant(new Float32Array(100), SHAPE.x)])],
    ['the convolution itself', (m, y) => m.node('Add', [y, y])],
    ['another function of the convolution', (m, y) => m.node('Add', [y, m.node('Tanh', [y])])],
  ])('leaves the sum with %s alone', async (_, append) => {
    const m = new ModelBuilder();
    const x = m.input('x', SHAPE.x);
    m.output(append(m, conv(m, x), x));
    const graph = await typed(m);
    expect(fuseResidualSums.run(graph)).toBe(0);
  });
});

describe('quantized networks', () => {
  test('Conv, Relu and both conversions become one step', async () => {
    const m = new ModelBuilder();
    const x = m.dequantize(m.input('x', SHAPE.x, 'uint8'), U8);
    m.output(m.quantize(m.node('Relu', [quantizedConv(m, x)]), U8), 'uint8');
    const graph = await lowered(m);
    expect(operators(graph)).toEqual(['Conv']);
    const [node] = sorted(graph);
    expect(node!.inputs.map((value) => value?.dtype)).toEqual(['uint8', 'int8', 'int32']);
    expect(node!.outputs[0]).toMatchObject({ dtype: 'uint8', quantization: { axis: -1 } });
    // Saturating at 0 is what the ReLU does.
    expect(node!.postOps).toEqual([]);
  });

  test('a ReLU that the destination would not do stays', async () => {
    const m = new ModelBuilder();
    const x = m.dequantize(m.input('x', SHAPE.x, 'uint8'), U8);
    m.output(m.quantize(m.node('Relu', [quantizedConv(m, x)]), S8), 'int8');
    expect(sorted(await lowered(m))[0]!.postOps).toMatchObject([{ algorithm: 'relu' }]);
  });

  test('a clip is dropped only where the whole range lies inside it', async () => {
    for (const [bound, kept] of [
      [6, true],
      [5.0, true],
      [5.1, false],
      [5.2, false],
    ] as const) {
      const m = new ModelBuilder();
      const x = m.dequantize(m.input('x', SHAPE.x, 'uint8'), U8);
      const y = m.node('Clip', [quantizedConv(m, x), m.constant([0], []), m.constant([bound], [])]);
      const grid: Grid = { dtype: 'uint8', scale: bound === 6 ? 0.03 : 0.02, zero: 0 };
      m.output(m.quantize(y, grid), 'uint8');
      const clips = sorted(await lowered(m))[0]!.postOps.length;
      expect({ bound, clips }).toEqual({ bound, clips: kept ? 1 : 0 });
    }
    expect(dropRedundantClamps.name).toBe('drop-redundant-clamps');
  });

  test('a value that INT8 and float both read is converted once for the float side', async () => {
    const m = new ModelBuilder();
    const x = m.requantized(m.input('x', SHAPE.x), U8);
    m.output(m.requantized(quantizedConv(m, x), S8)).output(m.node('Tanh', [x]));
    const graph = await lowered(m);
    expect(operators(graph).sort()).toEqual([
      'Conv',
      'DequantizeLinear',
      'DequantizeLinear',
      'QuantizeLinear',
      'Tanh',
    ]);
  });

  test('weights with scales along the input channels are dequantized and the layer computes in float32', async () => {
    const m = new ModelBuilder();
    const x = m.dequantize(m.input('x', SHAPE.x, 'uint8'), U8);
    const grid: Grid = { dtype: 'int8', scale: [0.1, 0.2, 0.3, 0.4], zero: 0, axis: 1 };
    const weights = m.dequantize(m.constant(new Random(1).ints(144, -9, 9), [4, 4, 3, 3], 'int8'), grid);
    m.output(m.node('Conv', [x, weights], convAttributes(SHAPE)));
    const node = only(await lowered(m), 'Conv');
    expect(node.inputs[1]).toMatchObject({ dtype: 'float32', producer: undefined });
    expect(node.inputs[1]!.constant).toBeDefined();
  });

  test('uint8 weights around 128 are the int8 weights that they stand for', async () => {
    const m = new ModelBuilder();
    const x = m.dequantize(m.input('x', SHAPE.x, 'uint8'), U8);
    const numbers = new Random(1).ints(144, 0, 255);
    const grid: Grid = { dtype: 'uint8', scale: 0.1, zero: 128 };
    const weights = m.dequantize(m.constant(numbers, [4, 4, 3, 3], 'uint8'), grid);
    m.output(m.node('Conv', [x, weights], convAttributes(SHAPE)));
    const graph = await lowered(m);
    expect(operators(graph)).toEqual(['Conv']);
    const stored = only(graph, 'Conv').inputs[1]!;
    expect(stored.constant!.toNumbers()).toEqual(numbers.map((number) => number - 128));
    expect([...stored.quantization!.zeroPoint]).toEqual([0]);
  });

  test('weights with a zero point need a second layer only where they do not fit into int8 without it', async () => {
    for (const [low, high, layers] of [
      [-9, 9, 1],
      [-128, 127, 2],
    ] as const) {
      const m = new ModelBuilder();
      const x = m.dequantize(m.input('x', SHAPE.x, 'uint8'), U8);
      const numbers = [low, high, ...new Random(1).ints(142, low, high)];
      const grid: Grid = { dtype: 'int8', scale: 0.1, zero: 3 };
      const weights = m.dequantize(m.constant(numbers, [4, 4, 3, 3], 'int8'), grid);
      m.output(m.node('Conv', [x, weights], convAttributes(SHAPE)));
      const graph = await lowered(m);
      expect(operators(graph)).toEqual(new Array(layers).fill('Conv'));
      for (const { inputs } of graph.nodes)
        expect(inputs.slice(0, 2).map((value) => value!.dtype)).toEqual(['uint8', 'int8']);
    }
  });
});

describe('the pipeline', () => {
  test('names the pass that broke the graph', async () => {
    const m = new ModelBuilder();
    m.output(m.node('Relu', [m.input('x', [1])]));
    const graph = await typed(m);
    const vandal: Pass = {
      name: 'vandal',
      run(g) {
        g.outputs[0]!.producer = undefined;
        return 1;
      },
    };
    expect(() => runPasses(graph, [checkOperators, vandal])).toThrow(
      expect.objectContaining({
        code: 'INTERNAL_GRAPH',
        message: expect.stringMatching(/^After the pass "vandal": .*names another producer/),
      }),
    );
  });

  test('check-operators lists every unknown operator and absent input', async () => {
    const m = new ModelBuilder();
    m.output(m.node('Foo', [m.node('Bar', [m.input('x', [1])])]));
    const graph = await readModel(m.bytes());
    expect(() => checkOperators.run(graph)).toThrow(
      /2 things.*\n.*Bar \(opset 17\), node "Bar0".*\n.*Foo \(opset 17\), node "Foo1"/,
    );
    const absent = new ModelBuilder();
    absent.output(absent.node('Conv', [absent.input('x', [1, 1, 1]), undefined, absent.constant([1], [1])]));
    expect(() => checkOperators.run(absent.graph)).toThrow(/Conv1.*expected input 1 but it is absent/);
    const few = new ModelBuilder();
    few.output(few.node('Add', [few.input('x', [1])]));
    expect(() => checkOperators.run(few.graph)).toThrow(/expected 2 inputs but it has 1/);
  });
});
