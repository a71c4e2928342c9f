import fc from 'fast-check';
import type { InferenceSession, Tensor } from '../../lib/index';
import { ModelBuilder, type Grid } from '../support/model';
import {
  convAttributes,
  exactConv,
  fittingGrid,
  layerInputs,
  storedLayer,
  storedNumbers,
  storedTensor,
  U8,
  type QuantizedConvCase,
} from '../support/quantized-conv';
import { Random } from '../support/random';
import { count, dense } from '../support/reference/dense';
import { withSession } from '../support/run';
import { describeWithVnni } from '../support/vnni';

interface Case extends QuantizedConvCase {
  x: readonly number[];
  xGrid: Grid;
  /** Of the result; its scale is made to fit. */
  result: { dtype: 'uint8' | 'int8'; zero: number };
  residual?: 'uint8' | 'int8';
  /** The convolution is rounded before the residual is added. */
  rounded?: boolean;
}

/** Channels of zeros more: no multiple of four, and no image's few, so that oneDNN has the convolution. */
const spare = (channels: number): number => (channels < 4 ? 4 : 1);

function widened(dims: readonly number[], data: readonly number[], value: number): number[] {
  const [outer, channels, ...inner] = dims as [number, number, ...number[]];
  const size = count(inner);
  return Array.from({ length: outer }, (_, o) => [
    ...data.slice(o * channels * size, (o + 1) * channels * size),
    ...new Array<number>(spare(channels) * size).fill(value),
  ]).flat();
}

function widerDims([outer, channels, ...inner]: readonly number[]): number[] {
  return [outer!, channels! + spare(channels!), ...inner];
}

async function run(
  spec: Case,
  wide: boolean,
  threads: number,
): Promise<{ implementation: string; data: ArrayLike<number> }> {
  const random = new Random(spec.seed ?? 1);
  const layer = storedLayer(random, spec);
  const stored = storedNumbers(random, count(spec.x), spec.xGrid, spec.extreme);
  const exact = exactConv(dense(spec.x, stored), spec.xGrid, layer, spec);
  const yGrid: Grid = fittingGrid(exact, spec.result.dtype, spec.result.zero);
  const xDims = wide ? widerDims(spec.x) : spec.x;
  const data = wide ? widened(spec.x, stored, spec.xGrid.zero as number) : stored;
  const w = wide ? dense(widerDims(spec.w), widened(spec.w, [...layer.w.data], 0)) : layer.w;

  const model = new ModelBuilder();
  const x = model.dequantize(model.input('x', xDims, spec.xGrid.dtype), spec.xGrid);
  let y = model.node('Conv', [x, ...layerInputs(model, { ...layer, w }, spec.xGrid)], convAttributes(spec));
  const feeds: Record<string, Tensor> = { x: storedTensor(spec.xGrid, data, xDims) };
  if (spec.residual) {
    const grid: Grid = { dtype: spec.residual, scale: Math.fround((yGrid.scale as number) * 0.37), zero: 0 };
    if (spec.rounded)
      y = model.requantized(y, {
        dtype: 'int8',
        scale: Math.fround((yGrid.scale as number) * 0.71),
        zero: 0,
      });
    y = model.node('Add', [y, model.dequantize(model.input('r', exact.dims, grid.dtype), grid)]);
    feeds['r'] = storedTensor(grid, storedNumbers(random, count(exact.dims), grid), exact.dims);
  }
  if (spec.relu) y = model.node('Relu', [y]);
  model.output(model.quantize(y, yGrid), yGrid.dtype);
  const use = async (session: InferenceSession): ReturnType<typeof run> => {
    const { steps } = await session.info();
    const outputs = await session.run(feeds);
    const { implementation } = steps.find(({ kernel }) => kernel === 'convolution')!;
    return { implementation, data: outputs[session.outputNames[0]!]!.data as ArrayLike<number> };
  };
  return withSession(model, use, { threadsPerStream: threads });
}

async function checkSameBits(spec: Case, threads = 1): Promise<void> {
  const [own, theirs] = [await run(spec, false, threads), await run(spec, true, threads)];
  expect(own.implementation).toBe('calibr8:tiled_vnni');
  expect(theirs.implementation).not.toContain('tiled');
  expect(Array.from(own.data)).toEqual(Array.from(theirs.data));
}

const UNSIGNED = { dtype: 'uint8', zero: 0 } as const;

function layer(channels: number, filters: number, more: Partial<Case> = {}): Case {
  return {
    ...{ x: [1, channels, 6, 7], w: [filters, channels, 3, 3], pads: [1, 1, 1, 1] },
    ...{ xGrid: U8, result: UNSIGNED, relu: true },
    ...more,
  };
}

function pointwise(channels: number, filters: number, more: Partial<Case> = {}): Case {
  return layer(channels, filters, { w: [filters, channels, 1, 1], pads: [0, 0, 0, 0], ...more });
}

/** As a network's first layer has it. */
function image(channels: number, more: Partial<Case> = {}): Case {
  return layer(channels, 64, {
    ...{ x: [1, channels, 17, 19], w: [64, channels, 7, 7], strides: [2, 2], pads: [3, 3, 3, 3] },
    ...{ xGrid: { ...U8, zero: 114 } },
    ...more,
  });
}

const S8: Grid = { dtype: 'int8', scale: 0.02, zero: 0 };

const CASES: [string, Case][] = [
  ...[64, 128, 192, 257, 271, 525, 720, 1000].map((filters): [string, Case] => [
    `${filters} filters`,
    pointwise(8, filters),
  ]),
  ...[1, 2, 3, 4, 5, 6, 7, 11, 13].flatMap((width): [string, Case][] => [
    [`${width} pixels`, pointwise(12, 64, { x: [1, 12, 1, width] })],
    [`${width} pixels, a residual`, pointwise(12, 272, { x: [1, 12, 1, width], residual: 'uint8' })],
  ]),
  ['3x3', layer(16, 64)],
  ['3x3, batch 3, strides 2', layer(16, 128, { x: [3, 16, 7, 9], strides: [2, 2] })],
  ['1x1, strides 2', pointwise(32, 64, { x: [2, 32, 9, 8], strides: [2, 2] })],
  ['dilations', layer(8, 64, { x: [1, 8, 9, 9], dilations: [2, 3], pads: [2, 3, 2, 3] })],
  ['padding on one side', layer(8, 64, { pads: [2, 0, 0, 1] })],
  ['1-D', { ...layer(20, 64), x: [2, 20, 11], w: [64, 20, 5], pads: [2, 2] }],
  ['3-D', { ...layer(4, 64), x: [1, 4, 4, 5, 3], w: [64, 4, 3, 2, 3], pads: [1, 0, 1, 1, 1, 1] }],
  ['an s8 source', layer(16, 64, { xGrid: S8 })],
  ['a zero point', layer(16, 64, { xGrid: { ...U8, zero: 131 } })],
  ['an s8 source with a zero point', layer(16, 128, { xGrid: { ...S8, zero: -77 } })],
  ['an s8 result', layer(16, 128, { result: { dtype: 'int8', zero: 0 }, relu: false })],
  ['a zero point of the result', layer(16, 128, { result: { dtype: 'uint8', zero: 120 }, relu: false })],
  ['an s8 result with a zero point', layer(16, 128, { result: { dtype: 'int8', zero: -9 } })],
  ['no bias', layer(16, 64, { bias: false })],
  ['one scale for all weights', layer(16, 64, { perTensor: true })],
  ['extreme values', layer(64, 64, { x: [1, 64, 3, 3], extreme: true })],
  ['sums beyond 2^24', pointwise(1024, 64, { extreme: true, seed: 5 })],
  ...(['uint8', 'int8'] as const).flatMap((residual) =>
    [false, true].flatMap((rounded) =>
      [64, 265].map((filters): [string, Case] => [
        `${filters} filters, a ${residual} residual${rounded ? ', rounded before' : ''}`,
        pointwise(16, filters, { residual, rounded, ...(residual === 'int8' ? { relu: false } : {}) }),
      ]),
    ),
  ),
  ...(['uint8', 'int8'] as const).map((residual): [string, Case] => [
    `windows in nothing but padding, a ${residual} residual`,
    layer(16, 64, { pads: [3, 1, 3, 1], residual, result: { dtype: 'int8', zero: 0 } }),
  ]),
  ['an image', image(3)],
  ['an image, s8 with a zero point', image(3, { xGrid: { ...S8, zero: -77 } })],
  ['images of one channel, padded by nothing', image(1, { x: [3, 1, 15, 9], pads: [0, 0, 0, 0] })],
  ['an image of two channels, padded on one side', image(2, { pads: [5, 0, 0, 1] })],
  ['an image, rows of the window apart', image(3, { dilations: [2, 1], pads: [6, 3, 6, 3] })],
  ['an image, a window of one row', image(3, { w: [64, 3, 1, 5], pads: [0, 2, 0, 2], strides: [1, 1] })],
  ['an image, a window of one column', image(3, { w: [64, 3, 5, 1], pads: [2, 0, 2, 0] })],
  ['an image, single pixels', image(3, { w: [128, 3, 1, 1], pads: [0, 0, 0, 0], strides: [1, 1] })],
  ['an image, single pixels, strides 2', image(3, { w: [64, 3, 1, 1], pads: [0, 0, 0, 0] })],
  ['an image, a residual', image(3, { residual: 'uint8' })],
  ['an image, no bias', image(3, { bias: false })],
  [
    'a residual, s8 result with a zero point',
    pointwise(16, 64, { residual: 'int8', result: { dtype: 'int8', zero: 7 }, relu: false }),
  ],
];

describeWithVnni('convolutions in tiles on our own kernel', () => {
  test.each(CASES)('%s: the bits of oneDNN', (_, spec) => checkSameBits(spec));

  test('several threads share one: the bits of oneDNN', async () => {
    await checkSameBits(layer(32, 192, { x: [2, 32, 17, 19] }), 3);
    await checkSameBits(pointwise(256, 192, { x: [1, 256, 7, 7], residual: 'uint8' }), 3);
    await checkSameBits(image(3, { x: [2, 3, 96, 40] }), 3);
  });

  test('any shape, padding and grid: the bits of oneDNN', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          channels: fc.oneof(
            fc.integer({ min: 1, max: 12 }).map((fours) => 4 * fours),
            fc.constantFrom(1, 2, 3),
          ),
          blocks: fc.integer({ min: 1, max: 6 }),
          partial: fc.double({ min: 0, max: 1 / 16, noNaN: true }),
          size: fc.tuple(fc.integer({ min: 3, max: 9 }), fc.integer({ min: 3, max: 9 })),
          kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
          strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 2 })),
          pads: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 4, maxLength: 4 }),
          from: fc.constantFrom('uint8' as const, 'int8' as const),
          to: fc.constantFrom('uint8' as const, 'int8' as const),
          zero: fc.integer({ min: 0, max: 127 }),
          relu: fc.boolean(),
          seed: fc.nat(),
        }),
        ({ channels, blocks, partial, size, kernel, strides, pads, from, to, zero, relu, seed }) =>
          checkSameBits({
            ...{ x: [2, channels, ...size] },
            w: [64 * blocks + Math.floor(64 * blocks * partial), channels, ...kernel],
            ...{ strides, pads, relu, seed, xGrid: { dtype: from, scale: 0.02, zero } },
            result: { dtype: to, zero: relu ? 0 : zero },
          }),
      ),
      { numRuns: 40 },
    ));
});
