import { expectAgreement } from '../support/agree';
import { ModelBuilder, type Grid } from '../support/model';
import { storedNumbers, storedTensor } from '../support/quantized-conv';
import { Random } from '../support/random';
import { withSession } from '../support/run';
import { describeWithVnni } from '../support/vnni';
import type { Tensor } from '../../lib/index';

/** A quantized fully connected layer as other tools write it. */
interface Layer {
  op: 'Gemm' | 'MatMul';
  from: Grid;
  weights: 'uint8' | 'int8';
  zero: number;
  bias: 'none' | 'int32' | 'float32';
  perChannel?: boolean;
  /** Another layer reads the result, which is rounded in between. */
  rounded?: boolean;
}

const [ROWS, DEPTH, CHANNELS] = [5, 48, 20];
const U8: Grid = { dtype: 'uint8', scale: 0.0173, zero: 117 };
const S8: Grid = { dtype: 'int8', scale: 0.0173, zero: -19 };
const RESULT: Grid = { dtype: 'uint8', scale: 0.0313, zero: 121 };

function make(layer: Layer): { model: ModelBuilder; feeds: Record<string, Tensor> } {
  const { op, from, perChannel = false } = layer;
  const random = new Random(7);
  const m = new ModelBuilder();
  const data = storedNumbers(random, ROWS * DEPTH, from);
  const transposed = op === 'Gemm';
  const dims = transposed ? [CHANNELS, DEPTH] : [DEPTH, CHANNELS];
  const [low, high] = layer.weights === 'int8' ? [-128, 127] : [0, 255];
  const stored = m.constant(random.ints(DEPTH * CHANNELS, low, high), dims, layer.weights);
  const count = perChannel ? CHANNELS : 1;
  const scales = Array.from({ length: count }, () => Math.fround(0.001 + random.next() * 0.002));
  const shape = perChannel ? [CHANNELS] : [];
  const zeros = scales.map(() => layer.zero);
  const weights = m.node(
    'DequantizeLinear',
    [stored, m.constant(scales, shape), m.constant(zeros, shape, layer.weights)],
    { axis: transposed ? 0 : 1 },
  );
  const units = m.constant(
    scales.map((scale) => scale * Math.fround(from.scale as number)),
    shape,
  );
  const whole = m.constant(random.ints(CHANNELS, -9000, 9000), [CHANNELS], 'int32');
  const bias =
    layer.bias === 'int32'
      ? [m.node('DequantizeLinear', [whole, units], { axis: 0 })]
      : layer.bias === 'float32'
        ? [m.constant(random.floats(CHANNELS, -0.5, 0.5), [CHANNELS])]
        : [];
  const inputs = [m.dequantize(m.input('x', [ROWS, DEPTH], from.dtype), from), weights, ...bias];
  const y = m.node('Relu', [m.node(op, inputs, transposed ? { transB: 1 } : {})]);
  if (layer.rounded) m.output(m.quantize(y, RESULT), RESULT.dtype);
  else m.output(y);
  return { model: m, feeds: { x: storedTensor(from, data, [ROWS, DEPTH]) } };
}

const LAYERS: [string, Layer, number][] = [
  ['u8 data', { op: 'MatMul', from: U8, weights: 'int8', zero: 0, bias: 'none' }, 1],
  ['s8 data, rounded', { op: 'MatMul', from: S8, weights: 'int8', zero: 0, bias: 'none', rounded: true }, 1],
  ['whole bias', { op: 'Gemm', from: U8, weights: 'int8', zero: 0, bias: 'int32', rounded: true }, 1],
  ['real bias', { op: 'Gemm', from: U8, weights: 'int8', zero: 0, bias: 'float32' }, 1],
  [
    'scales per channel, real bias',
    { op: 'Gemm', from: S8, weights: 'int8', zero: 0, bias: 'float32', perChannel: true },
    1,
  ],
  [
    'scales per channel, whole bias',
    { op: 'Gemm', from: U8, weights: 'uint8', zero: 128, bias: 'int32', perChannel: true, rounded: true },
    1,
  ],
  ['weights with a zero point', { op: 'MatMul', from: U8, weights: 'uint8', zero: 151, bias: 'none' }, 2],
  [
    'weights with a zero point, whole bias',
    { op: 'Gemm', from: S8, weights: 'uint8', zero: 90, bias: 'int32', rounded: true },
    2,
  ],
];

describe('fully connected layers on data with a zero point', () => {
  test.each(LAYERS)('%s: what onnxruntime gives', async (_, layer) => {
    const { model, feeds } = make(layer);
    await expectAgreement(model, feeds);
  });
});

describeWithVnni('fully connected layers on data with a zero point run on VNNI', () => {
  test.each(LAYERS)('%s', async (_, layer, count) => {
    await withSession(make(layer).model, async (session) => {
      const { steps } = await session.info();
      const layers = steps.filter(({ kernel }) => kernel === 'inner_product');
      expect(layers).toHaveLength(count);
      // oneDNN's product of bytes uses VNNI too, without saying so in its name.
      for (const { implementation } of layers) expect(implementation).toMatch(/vnni|amx|gemm_s8[su]8s32/);
    });
  });
});
