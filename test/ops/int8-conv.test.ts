import { checkQuantizedConv, type QuantizedConvCase } from '../support/quantized-conv';

const base: QuantizedConvCase = { x: [1, 16, 7, 7], w: [16, 16, 3, 3], pads: [1, 1, 1, 1] };
const channels = [1, 3, 5, 17, 30, 33];

describe('Conv in INT8 gives the nearest level of the exact result', () => {
  test.each(channels.flatMap((i) => channels.map((o) => [i, o] as const)))(
    '%i input and %i output channels',
    (i, o) => checkQuantizedConv({ ...base, x: [1, i, 6, 5], w: [o, i, 3, 3] }),
  );

  const sources = ['uint8', 'int8'] as const;
  test.each(
    sources.flatMap((from) => sources.flatMap((to) => [0, 7, 128].map((zero) => [from, to, zero] as const))),
  )('%s to %s, zero points of %i and back', (from, to, zero) => {
    const shift = (dtype: 'uint8' | 'int8', z: number): number =>
      dtype === 'int8' ? z - (z > 99 ? 128 : 3) : z;
    return checkQuantizedConv({
      ...base,
      xGrid: { dtype: from, scale: 0.02, zero: shift(from, zero) },
      yGrid: { dtype: to, scale: 0.11, zero: shift(to, 128 - zero) },
    });
  });

  const cases: [string, Partial<QuantizedConvCase>][] = [
    ['per-tensor weights', { perTensor: true }],
    [
      'per-tensor weights and a zero point',
      { perTensor: true, xGrid: { dtype: 'uint8', scale: 0.03, zero: 100 } },
    ],
    ['no bias', { bias: false }],
    ['1x1', { w: [33, 16, 1, 1], pads: [0, 0, 0, 0] }],
    [
      '1x1 with strides that read a page apart',
      { x: [1, 2048, 3, 4], w: [128, 2048, 1, 1], pads: [0, 0, 0, 0], strides: [2, 2] },
    ],
    [
      'an image: 3 channels, 7x7, strides 2',
      { x: [1, 3, 29, 31], w: [16, 3, 7, 7], strides: [2, 2], pads: [3, 3, 3, 3] },
    ],
    [
      'an image with a zero point',
      {
        x: [1, 3, 15, 14],
        w: [16, 3, 3, 3],
        strides: [2, 2],
        pads: [0, 0, 1, 1],
        xGrid: { dtype: 'uint8', scale: 0.0078, zero: 128 },
      },
    ],
    ['asymmetric padding', { pads: [0, 2, 1, 0] }],
    [
      'asymmetric padding of a zero point',
      { pads: [0, 2, 1, 0], xGrid: { dtype: 'int8', scale: 0.05, zero: -77 } },
    ],
    ['strides larger than the kernel', { w: [16, 16, 2, 2], strides: [3, 4], pads: [0, 0, 0, 0] }],
    ['batch 2', { x: [2, 17, 5, 5], w: [33, 17, 3, 3] }],
    ['batch 7', { x: [7, 3, 6, 5], w: [16, 3, 3, 3] }],
    ['dilations', { x: [1, 16, 11, 12], dilations: [2, 3], pads: [2, 3, 2, 3] }],
    ['2 groups of 3 channels', { x: [1, 6, 7, 7], w: [10, 3, 3, 3], groups: 2 }],
    ['3 groups of 16 channels', { x: [1, 48, 5, 5], w: [48, 16, 3, 3], groups: 3 }],
    [
      'groups with a zero point',
      { x: [1, 6, 7, 7], w: [10, 3, 3, 3], groups: 2, xGrid: { dtype: 'uint8', scale: 0.02, zero: 9 } },
    ],
    ['depthwise', { x: [1, 32, 9, 9], w: [32, 1, 3, 3], groups: 32 }],
    [
      'depthwise, s8 source',
      { x: [1, 17, 9, 9], w: [17, 1, 3, 3], groups: 17, xGrid: { dtype: 'int8', scale: 0.02, zero: 0 } },
    ],
    [
      'depthwise with a zero point, strides 2',
      {
        x: [2, 33, 9, 8],
        w: [33, 1, 3, 3],
        groups: 33,
        strides: [2, 2],
        xGrid: { dtype: 'uint8', scale: 0.02, zero: 31 },
      },
    ],
    ['depthwise with multiplier 2', { x: [1, 5, 8, 8], w: [10, 1, 3, 3], groups: 5 }],
    [
      'depthwise dilated',
      { x: [1, 16, 9, 9], w: [16, 1, 3, 3], groups: 16, dilations: [2, 2], pads: [2, 2, 2, 2] },
    ],
    ['1-D', { x: [2, 5, 19], w: [17, 5, 4], pads: [1, 2], strides: [3] }],
    ['1-D depthwise', { x: [1, 17, 13], w: [17, 1, 3], groups: 17, pads: [1, 1] }],
    ['3-D', { x: [1, 3, 5, 6, 7], w: [5, 3, 2, 3, 2], pads: [0, 1, 1, 1, 1, 0] }],
    ['ReLU', { relu: true }],
    ['ReLU to a zero point', { relu: true, yGrid: { dtype: 'uint8', scale: 0.1, zero: 60 } }],
    ['ReLU to s8', { relu: true, yGrid: { dtype: 'int8', scale: 0.1, zero: 0 } }],
    ['a float32 result', { yGrid: 'float32' }],
    [
      'a float32 result after ReLU, with a zero point',
      { yGrid: 'float32', relu: true, xGrid: { dtype: 'uint8', scale: 0.02, zero: 3 } },
    ],
    ['a grid so fine that all saturates', { yGrid: { dtype: 'int8', scale: 1e-4, zero: 0 } }],
    ['a grid so coarse that all becomes the zero point', { yGrid: { dtype: 'uint8', scale: 1e4, zero: 5 } }],
    [
      'extreme values: u8 255 by s8 -128 and 127',
      { extreme: true, x: [1, 64, 5, 5], w: [16, 64, 3, 3], yGrid: { dtype: 'int8', scale: 900, zero: 0 } },
    ],
    [
      'extreme s8 values',
      {
        extreme: true,
        x: [1, 64, 5, 5],
        w: [16, 64, 3, 3],
        xGrid: { dtype: 'int8', scale: 1, zero: 0 },
        yGrid: { dtype: 'int8', scale: 900, zero: 0 },
      },
    ],
    ['channels whose weights are all zero', { zeroChannels: true }],
    ['all-zero channels, depthwise', { zeroChannels: true, x: [1, 16, 7, 7], w: [16, 1, 3, 3], groups: 16 }],
  ];
  test.each(cases)('%s', (_, spec) => checkQuantizedConv({ ...base, ...spec }));
});

test('the comparison itself notices a result that is one level off', async () => {
  await expect(checkQuantizedConv({ ...base, corrupt: 1 })).rejects.toThrow('the exact level is');
});
