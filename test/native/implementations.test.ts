import { ModelBuilder, type Grid } from '../support/model';
import { convAttributes, layerInputs, storedLayer, U8 } from '../support/quantized-conv';
import { Random } from '../support/random';
import { withSession } from '../support/run';
import { describeWithVnni } from '../support/vnni';

interface Layer {
  x: readonly number[];
  w: readonly number[];
  strides?: readonly number[];
  pads?: readonly number[];
  groups?: number;
  xGrid?: Grid;
}

const S8: Grid = { dtype: 'int8', scale: 0.02, zero: 0 };
const ASYMMETRIC: Grid = { dtype: 'uint8', scale: 0.02, zero: 128 };

/** The implementation that one quantized convolution, with ReLU, runs on. */
async function implementationOf(layer: Layer): Promise<string> {
  const xGrid = layer.xGrid ?? U8;
  const model = new ModelBuilder();
  const x = model.dequantize(model.input('x', layer.x, xGrid.dtype), xGrid);
  const inputs = layerInputs(model, storedLayer(new Random(1), layer), xGrid);
  const y = model.node('Relu', [model.node('Conv', [x, ...inputs], convAttributes(layer))]);
  model.output(model.quantize(y, U8), 'uint8');
  return withSession(model, async (session) => {
    const { steps } = await session.info();
    const linear = steps.filter(({ kernel }) => kernel === 'convolution' || kernel === 'inner_product');
    expect(linear).toHaveLength(1);
    expect(session.precision).toBe('int8');
    return linear[0]!.implementation;
  });
}

/** The layers of the networks that calibr8 is for. */
const LAYERS: [string, Layer][] = [
  ['3x3', { x: [1, 64, 56, 56], w: [64, 64, 3, 3], pads: [1, 1, 1, 1] }],
  ['1x1', { x: [1, 64, 56, 56], w: [256, 64, 1, 1] }],
  ['1x1, strides 2', { x: [1, 256, 56, 56], w: [128, 256, 1, 1], strides: [2, 2] }],
  ['8 channels', { x: [1, 8, 14, 14], w: [8, 8, 3, 3], pads: [1, 1, 1, 1] }],
  ['24 to 40 channels', { x: [1, 24, 14, 14], w: [40, 24, 1, 1] }],
  ['depthwise', { x: [1, 32, 112, 112], w: [32, 1, 3, 3], groups: 32, pads: [1, 1, 1, 1] }],
  [
    'depthwise, strides 2',
    { x: [1, 64, 56, 56], w: [64, 1, 3, 3], groups: 64, strides: [2, 2], pads: [1, 1, 1, 1] },
  ],
  ['depthwise, 24 channels', { x: [1, 24, 14, 14], w: [24, 1, 3, 3], groups: 24, pads: [1, 1, 1, 1] }],
  ['batch 8', { x: [8, 32, 14, 14], w: [64, 32, 3, 3], pads: [1, 1, 1, 1] }],
  ['an image', { x: [1, 3, 224, 224], w: [64, 3, 7, 7], strides: [2, 2], pads: [3, 3, 3, 3] }],
  ['an s8 image', { x: [1, 3, 224, 224], w: [32, 3, 3, 3], strides: [2, 2], pads: [0, 0, 1, 1], xGrid: S8 }],
  ['s8 source', { x: [1, 64, 28, 28], w: [64, 64, 3, 3], pads: [1, 1, 1, 1], xGrid: S8 }],
  [
    's8 source, depthwise',
    { x: [1, 64, 28, 28], w: [64, 1, 3, 3], groups: 64, pads: [1, 1, 1, 1], xGrid: S8 },
  ],
  ['a zero point', { x: [1, 64, 28, 28], w: [64, 64, 3, 3], pads: [1, 1, 1, 1], xGrid: ASYMMETRIC }],
  ['a zero point, 1x1', { x: [1, 64, 28, 28], w: [64, 64, 1, 1], xGrid: ASYMMETRIC }],
  [
    'a zero point, depthwise',
    { x: [1, 64, 28, 28], w: [64, 1, 3, 3], groups: 64, pads: [1, 1, 1, 1], xGrid: ASYMMETRIC },
  ],
];

describeWithVnni('INT8 layers run on optimized VNNI code', () => {
  test.each(LAYERS)('%s', async (_, layer) => {
    const implementation = await implementationOf(layer);
    expect(implementation).not.toMatch(/ref/);
    expect(implementation).toMatch(/vnni|amx|brg|int8|avx512_core/);
  });

  test.each([
    [1, 512, 1000],
    [1, 1024, 101],
    [8, 512, 10],
  ])('a matrix product of %i by %i by %i', async (rows, k, columns) => {
    const model = new ModelBuilder();
    const x = model.dequantize(model.input('x', [rows, k], 'uint8'), U8);
    const layer = storedLayer(new Random(1), { x: [rows, k], w: [columns, k] });
    model.output(model.node('Gemm', [x, ...layerInputs(model, layer, U8)], { transB: 1 }));
    await withSession(model, async (session) => {
      const { steps } = await session.info();
      expect(steps.map(({ implementation }) => implementation).join()).not.toMatch(/ref/);
    });
  });
});

test('1x1 convolutions whose strides read a page apart run on pixels brought together', async () => {
  const reorders = async (channels: number): Promise<string[]> => {
    const model = new ModelBuilder();
    // A first layer, so that the source has the layout that the second one wants.
    const x = model.node('Conv', [
      model.input('x', [1, 8, 8, 8]),
      model.constant(new Array<number>(channels * 8).fill(0.1), [channels, 8, 1, 1]),
    ]);
    const weights = model.constant(new Array<number>(128 * channels).fill(0.1), [128, channels, 1, 1]);
    model.output(model.node('Conv', [x, weights], { strides: [2, 2] }));
    return withSession(model, async (session) => (await session.info()).steps[1]!.reorders);
  };
  expect(await reorders(512)).toContain('calibr8:subsample');
  expect(await reorders(510)).not.toContain('calibr8:subsample');
});
