import type { Value } from '../../lib/graph/graph';
import { Tensor } from '../../lib/index';
import { expectAgreement } from '../support/agree';
import { ModelBuilder, type Grid } from '../support/model';
import { Random } from '../support/random';
import { float32, withSession } from '../support/run';

const S8: Grid = { dtype: 'int8', scale: 0.0203, zero: -11 };
const WIDE: Grid = { dtype: 'int8', scale: 0.0517, zero: 7 };
const U8: Grid = { dtype: 'uint8', scale: 0.0231, zero: 119 };

/** Weights and bias as int8 and int32 constants between DequantizeLinear nodes, one scale for all. */
function parameters(m: ModelBuilder, random: Random, dims: readonly number[], from: Grid): Value[] {
  const size = dims.reduce((a, b) => a * b, 1);
  const scale = 0.00437;
  const weights = m.constant(random.ints(size, -127, 127), dims, 'int8');
  const bias = m.constant(random.ints(dims[0]!, -3000, 3000), [dims[0]!], 'int32');
  const units = Math.fround(Math.fround(scale) * Math.fround(from.scale as number));
  return [
    m.dequantize(weights, { dtype: 'int8', scale, zero: 0 }),
    m.node('DequantizeLinear', [bias, m.constant([units], [])]),
  ];
}

/** Runs here and in onnxruntime, which must give the same, and tells the steps besides layers. */
async function stepsOf(m: ModelBuilder, feeds: Record<string, Tensor>): Promise<string[]> {
  await expectAgreement(m, feeds);
  return withSession(m, async (session) => {
    expect(session.precision).toBe('int8');
    const { steps } = await session.info();
    const layers = steps.filter(({ kernel }) => ['convolution', 'inner_product'].includes(kernel));
    for (const { dataTypes } of layers) expect(dataTypes).toMatch(/^[us]8,s8/);
    return steps
      .filter((step) => !layers.includes(step))
      .map(({ kernel, dataTypes }) => `${kernel} ${dataTypes}`);
  });
}

const image = (seed: number): Record<string, Tensor> => ({
  x: float32(new Random(seed).floats(8 * 6 * 6), [1, 8, 6, 6]),
});

describe('networks with conversions around every operator, as PyTorch and TFLite exporters write them', () => {
  test('activations of their own, with another grid than the layer before', async () => {
    const random = new Random(3);
    const m = new ModelBuilder();
    let y = m.requantized(m.input('x', [1, 8, 6, 6]), S8);
    y = m.requantized(
      m.node('Conv', [y, ...parameters(m, random, [16, 8, 3, 3], S8)], { pads: [1, 1, 1, 1] }),
      WIDE,
    );
    y = m.requantized(m.node('Relu', [y]), U8);
    y = m.requantized(m.node('Conv', [y, ...parameters(m, random, [16, 16, 1, 1], U8)]), U8);
    y = m.requantized(m.node('Clip', [y, m.constant([0], []), m.constant([2], [])]), U8);
    m.output(y);
    expect(await stepsOf(m, image(1))).toEqual(['reorder f32->s8', 'reorder u8->f32']);
  });

  test('pooling, reshaping and a fully connected layer', async () => {
    const random = new Random(4);
    const m = new ModelBuilder();
    let y = m.requantized(m.input('x', [1, 8, 6, 6]), S8);
    y = m.requantized(m.node('Conv', [y, ...parameters(m, random, [16, 8, 3, 3], S8)]), WIDE);
    y = m.requantized(m.node('MaxPool', [y], { kernel_shape: [2, 2], strides: [2, 2] }), WIDE);
    y = m.requantized(m.node('Flatten', [y]), WIDE);
    y = m.node('Gemm', [y, ...parameters(m, random, [10, 64], WIDE)], { transB: 1 });
    m.output(m.requantized(y, { ...WIDE, scale: 0.4 }));
    const steps = await stepsOf(m, image(2));
    expect(steps.filter((step) => step.includes('f32'))).toEqual(['reorder f32->s8', 'reorder s8->f32']);
  });

  test('a residual sum, each operand with a grid of its own', async () => {
    const random = new Random(5);
    const m = new ModelBuilder();
    const x = m.requantized(m.input('x', [1, 8, 6, 6]), S8);
    let y = m.requantized(m.node('Conv', [x, ...parameters(m, random, [8, 8, 1, 1], S8)]), WIDE);
    y = m.requantized(m.node('Add', [y, x]), U8);
    m.output(m.requantized(m.node('Conv', [y, ...parameters(m, random, [8, 8, 1, 1], U8)]), WIDE));
    expect(await stepsOf(m, image(3))).toEqual(['reorder f32->s8', 'binary s8,s8->u8', 'reorder s8->f32']);
  });

  test('a batch normalization between two conversions', async () => {
    const random = new Random(6);
    const m = new ModelBuilder();
    let y = m.requantized(m.input('x', [1, 8, 6, 6]), S8);
    y = m.requantized(m.node('Conv', [y, parameters(m, random, [16, 8, 1, 1], S8)[0]!]), WIDE);
    const normal = ['scale', 'shift', 'mean', 'variance'].map(() =>
      m.constant(
        random.floats(16).map((value) => 0.5 + Math.abs(value)),
        [16],
      ),
    );
    y = m.node('Relu', [m.node('BatchNormalization', [y, ...normal])]);
    m.output(m.quantize(y, U8), 'uint8');
    expect(await stepsOf(m, image(4))).toEqual(['reorder f32->s8']);
  });
});
