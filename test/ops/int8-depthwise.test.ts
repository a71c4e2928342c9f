import fc from 'fast-check';
import type { InferenceSession } from '../../lib/index';
import { ModelBuilder, type Grid } from '../support/model';
import {
  checkQuantizedConv,
  convAttributes,
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
  xGrid: Grid;
  yGrid: Grid;
  /** Clamps real results to 0 and 6 in place of a ReLU. */
  clip?: boolean;
  /** The bias as float32 numbers, which are no whole numbers of the sums. */
  realBias?: boolean;
}

const WIDE = new Array<number>(4).fill(0);

/** The same convolution with a fourth column of weights, all zero: too wide for our kernel, so that oneDNN has it. */
async function run(
  spec: Case,
  widened: boolean,
  threads: number,
): Promise<{ implementation: string; data: ArrayLike<number> }> {
  const random = new Random(spec.seed ?? 1);
  const layer = storedLayer(random, spec);
  const data = storedNumbers(random, count(spec.x), spec.xGrid, spec.extreme);
  const [top, left, bottom, right] = spec.pads ?? WIDE;
  let { w } = layer;
  if (widened) {
    const wide = Array.from({ length: count([...spec.w.slice(0, 3), 4]) }, (_, i) =>
      i % 4 < 3 ? w.data[Math.floor(i / 4) * 3 + (i % 4)]! : 0,
    );
    w = dense([...spec.w.slice(0, 3), 4], wide);
  }
  const pads = [top!, left!, bottom!, right! + (widened ? 1 : 0)];
  const model = new ModelBuilder();
  const x = model.dequantize(model.input('x', spec.x, spec.xGrid.dtype), spec.xGrid);
  const inputs = layerInputs(model, { ...layer, w }, spec.xGrid);
  if (spec.realBias) inputs[1] = model.constant(Array.from(random.floats(spec.w[0]!)), [spec.w[0]!]);
  let y = model.node('Conv', [x, ...inputs], { ...convAttributes({ ...spec, pads }) });
  if (spec.relu) y = model.node('Relu', [y]);
  if (spec.clip) y = model.node('Clip', [y, model.constant([0], []), model.constant([6], [])]);
  model.output(model.quantize(y, spec.yGrid), spec.yGrid.dtype);
  const use = async (session: InferenceSession): ReturnType<typeof run> => {
    const { steps } = await session.info();
    const outputs = await session.run({ x: storedTensor(spec.xGrid, data, spec.x) });
    const { implementation } = steps.find(({ kernel }) => kernel === 'convolution')!;
    return { implementation, data: outputs[session.outputNames[0]!]!.data as ArrayLike<number> };
  };
  return withSession(model, use, { threadsPerStream: threads });
}

async function checkSameBits(spec: Case, threads = 1): Promise<void> {
  const [own, theirs] = [await run(spec, false, threads), await run(spec, true, threads)];
  expect(own.implementation).toBe('calibr8:depthwise_vnni');
  expect(theirs.implementation).not.toContain('calibr8');
  expect(Array.from(own.data)).toEqual(Array.from(theirs.data));
}

function layer(channels: number, height: number, width: number, more: Partial<Case> = {}): Case {
  return {
    ...{ x: [1, channels, height, width], w: [channels, 1, 3, 3], groups: channels, pads: [1, 1, 1, 1] },
    ...{ xGrid: U8, yGrid: { dtype: 'uint8', scale: 0.1, zero: 0 } },
    ...more,
  };
}

const CASES: [string, Case][] = [
  ...[2, 16, 24, 32, 33, 48, 64, 65, 96, 144, 160].flatMap((channels): [string, Case][] => [
    [`${channels} channels`, layer(channels, 6, 7)],
    [`${channels} channels, strides 2`, layer(channels, 8, 9, { strides: [2, 2], pads: [0, 0, 1, 1] })],
  ]),
  // Registers of results are computed sixteen at a time, and hold several pixels of few channels.
  ...[64, 80].flatMap((channels): [string, Case][] => [
    [`${channels} channels in wide rows`, layer(channels, 5, 37)],
    [`${channels} channels in wide rows, strides 2`, layer(channels, 6, 71, { strides: [2, 2] })],
  ]),
  ...[2, 5, 8, 16, 21, 24, 32].flatMap((channels): [string, Case][] => [
    [`${channels} channels in rows of many pixels`, layer(channels, 5, Math.ceil(2200 / channels))],
    [
      `${channels} channels from s8 with a zero point in rows of many pixels`,
      layer(channels, 4, Math.ceil(1100 / channels), { xGrid: { dtype: 'int8', scale: 0.02, zero: -77 } }),
    ],
  ]),
  ['many pixels in a register without padding', layer(16, 5, 11, { pads: [0, 0, 0, 0] })],
  ['more padding than a register of pixels covers', layer(16, 3, 3, { pads: [3, 9, 3, 9] })],
  ['a bias in float32', layer(64, 5, 20, { realBias: true })],
  ['a bias in float32, many pixels in a register', layer(16, 5, 20, { realBias: true })],
  ['an image of one pixel', layer(40, 1, 1)],
  ['one column', layer(40, 5, 1, { strides: [2, 2] })],
  ['no padding', layer(64, 5, 5, { pads: [0, 0, 0, 0] })],
  ['more padding than the kernel covers', layer(64, 3, 3, { pads: [3, 4, 3, 4] })],
  ['an s8 source', layer(80, 7, 7, { xGrid: { dtype: 'int8', scale: 0.02, zero: 0 } })],
  ['a zero point', layer(80, 7, 7, { xGrid: { dtype: 'uint8', scale: 0.02, zero: 131 } })],
  [
    'an s8 source with a zero point, strides 2',
    layer(80, 7, 8, { xGrid: { dtype: 'int8', scale: 0.02, zero: -77 }, strides: [2, 2] }),
  ],
  ['an s8 result', layer(70, 7, 7, { yGrid: { dtype: 'int8', scale: 0.1, zero: 0 } })],
  ['a zero point of the result', layer(70, 7, 7, { yGrid: { dtype: 'uint8', scale: 0.1, zero: 120 } })],
  ['an s8 result with a zero point', layer(70, 7, 7, { yGrid: { dtype: 'int8', scale: 0.1, zero: -9 } })],
  ['ReLU', layer(40, 7, 7, { relu: true })],
  [
    'ReLU to s8 with a zero point',
    layer(40, 7, 7, { relu: true, yGrid: { dtype: 'int8', scale: 0.05, zero: 20 } }),
  ],
  ['Clip', layer(40, 7, 7, { clip: true, yGrid: { dtype: 'uint8', scale: 0.031, zero: 3 } })],
  ['no bias', layer(40, 7, 7, { bias: false })],
  ['one scale for all weights', layer(40, 7, 7, { perTensor: true })],
  ['extreme values', layer(40, 7, 7, { extreme: true, yGrid: { dtype: 'int8', scale: 20, zero: 0 } })],
  ['all saturates', layer(40, 7, 7, { yGrid: { dtype: 'int8', scale: 1e-4, zero: 0 } })],
  ['batch 3', layer(40, 5, 6, { x: [3, 40, 5, 6] })],
];

describeWithVnni('depthwise convolutions on our own kernel', () => {
  test.each(CASES)('%s: the bits of oneDNN', (_, spec) => checkSameBits(spec));

  test('several threads share one: the bits of oneDNN', () => checkSameBits(layer(200, 30, 30), 3));

  test('any shape, padding and grid: the bits of oneDNN', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          channels: fc.integer({ min: 2, max: 140 }),
          height: fc.integer({ min: 3, max: 9 }),
          width: fc.integer({ min: 3, max: 9 }),
          stride: fc.constantFrom(1, 2),
          pads: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 4, maxLength: 4 }),
          from: fc.constantFrom('uint8' as const, 'int8' as const),
          to: fc.constantFrom('uint8' as const, 'int8' as const),
          zeros: fc.tuple(fc.integer({ min: 0, max: 127 }), fc.integer({ min: 0, max: 127 })),
          relu: fc.boolean(),
          seed: fc.nat(),
        }),
        ({ channels, height, width, stride, pads, from, to, zeros, relu, seed }) =>
          checkSameBits(
            layer(channels, height, width, {
              ...{ strides: [stride, stride], pads, relu, seed },
              xGrid: { dtype: from, scale: 0.02, zero: zeros[0] },
              yGrid: { dtype: to, scale: 0.05, zero: zeros[1] },
            }),
          ),
      ),
      { numRuns: 40 },
    ));
});

describe('depthwise convolutions give the nearest level of the exact result', () => {
  test.each(CASES.filter(([, { clip }]) => !clip))('%s', (_, spec) => checkQuantizedConv(spec));
});
