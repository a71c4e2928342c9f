import { expectClose } from '../support/compare';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { count, dense } from '../support/reference/dense';
import { conv, type WindowSpec } from '../support/reference/window';
import { float32, runModel } from '../support/run';

interface Case extends WindowSpec {
  x: readonly number[];
  w: readonly number[];
  groups?: number;
  bias?: boolean;
}

/** Runs a convolution of random data and compares it to the reference. */
async function check({ x, w, bias = true, ...spec }: Case): Promise<void> {
  const random = new Random(count(x) * 31 + count(w));
  const [data, weights] = [random.floats(count(x)), random.floats(count(w))];
  const shift = bias ? random.floats(w[0]!) : undefined;
  const model = new ModelBuilder();
  const inputs = [model.input('x', x), model.constant(weights, w)];
  if (shift) inputs.push(model.constant(shift, [w[0]!]));
  const { strides, dilations, pads, groups } = spec;
  model.output(
    model.node('Conv', inputs, {
      kernel_shape: w.slice(2),
      ...(strides && { strides }),
      ...(dilations && { dilations }),
      ...(pads && { pads }),
      ...(groups && { group: groups }),
    }),
  );
  const [y] = await runModel(model, { x: float32(data, x) });
  expectClose(y!, conv(dense(x, data), dense(w, weights), shift, spec));
}

describe('Conv in float32 equals the reference', () => {
  const channels = [1, 3, 5, 17, 30, 33];
  test.each(channels.flatMap((i) => channels.map((o) => [i, o] as const)))(
    '%i input and %i output channels',
    (i, o) => check({ x: [1, i, 7, 5], w: [o, i, 3, 3], pads: [1, 1, 1, 1] }),
  );

  test.each<[string, Case]>([
    ['1x1', { x: [2, 16, 7, 7], w: [24, 16, 1, 1] }],
    ['1x1 with strides', { x: [1, 17, 9, 8], w: [5, 17, 1, 1], strides: [2, 2] }],
    ['no bias', { x: [1, 8, 6, 6], w: [8, 8, 3, 3], bias: false }],
    ['1x1 with strides that read a page apart', { x: [2, 512, 6, 5], w: [128, 512, 1, 1], strides: [2, 2] }],
    ['1x1 with strides across only', { x: [1, 512, 3, 7], w: [130, 512, 1, 1], strides: [1, 2] }],
    [
      '7x7 of an image, strides 2',
      { x: [1, 3, 31, 29], w: [16, 3, 7, 7], strides: [2, 2], pads: [3, 3, 3, 3] },
    ],
    ['one pixel', { x: [1, 16, 1, 1], w: [33, 16, 3, 3], pads: [1, 1, 1, 1] }],
    ['asymmetric padding', { x: [1, 5, 8, 7], w: [17, 5, 3, 3], pads: [0, 2, 1, 0], strides: [2, 2] }],
    [
      'padding on one side only',
      { x: [1, 16, 8, 8], w: [16, 16, 3, 3], pads: [0, 0, 1, 1], strides: [2, 2] },
    ],
    ['padding wider than the kernel', { x: [1, 3, 4, 4], w: [4, 3, 2, 2], pads: [3, 3, 3, 3] }],
    ['strides larger than the kernel', { x: [1, 16, 11, 13], w: [16, 16, 2, 2], strides: [3, 4] }],
    ['unequal kernel', { x: [1, 17, 9, 9], w: [18, 17, 1, 5], pads: [0, 2, 0, 2] }],
    ['batch 2', { x: [2, 17, 5, 5], w: [33, 17, 3, 3], pads: [1, 1, 1, 1] }],
    ['batch 7', { x: [7, 3, 6, 5], w: [16, 3, 3, 3] }],
    ['dilations', { x: [1, 16, 11, 12], w: [8, 16, 3, 3], dilations: [2, 3], pads: [2, 3, 2, 3] }],
    ['dilations with strides', { x: [1, 5, 15, 15], w: [6, 5, 3, 2], dilations: [3, 2], strides: [2, 3] }],
    ['2 groups', { x: [1, 6, 7, 7], w: [10, 3, 3, 3], groups: 2 }],
    ['3 groups of 16', { x: [2, 48, 5, 5], w: [48, 16, 3, 3], groups: 3, pads: [1, 1, 1, 1] }],
    ['depthwise', { x: [1, 16, 9, 9], w: [16, 1, 3, 3], groups: 16, pads: [1, 1, 1, 1] }],
    [
      'depthwise, 33 channels, strides 2',
      { x: [2, 33, 9, 8], w: [33, 1, 3, 3], groups: 33, strides: [2, 2] },
    ],
    ['depthwise with multiplier 2', { x: [1, 5, 8, 8], w: [10, 1, 3, 3], groups: 5 }],
    ['depthwise with multiplier 3, one channel', { x: [1, 1, 8, 8], w: [3, 1, 3, 3], groups: 1 }],
    ['depthwise dilated', { x: [1, 17, 9, 9], w: [17, 1, 3, 3], groups: 17, dilations: [2, 2] }],
    ['1-D', { x: [2, 5, 19], w: [17, 5, 4], pads: [1, 2], strides: [3] }],
    ['1-D dilated', { x: [1, 16, 19], w: [16, 16, 3], dilations: [4] }],
    ['1-D depthwise', { x: [1, 17, 13], w: [17, 1, 3], groups: 17, pads: [1, 1] }],
    ['3-D', { x: [1, 3, 5, 6, 7], w: [5, 3, 2, 3, 2], pads: [0, 1, 1, 1, 1, 0], strides: [1, 2, 1] }],
    ['3-D groups', { x: [2, 4, 4, 4, 4], w: [6, 2, 3, 3, 3], groups: 2 }],
  ])('%s', (_, spec) => check(spec));

  test.each([
    ['SAME_UPPER', [0, 0, 1, 1]],
    ['SAME_LOWER', [1, 1, 0, 0]],
    ['VALID', [0, 0, 0, 0]],
  ])('auto_pad %s', async (mode, pads) => {
    const random = new Random(5);
    const [data, weights] = [random.floats(3 * 8 * 8), random.floats(4 * 3 * 2 * 2)];
    const model = new ModelBuilder();
    const inputs = [model.input('x', [1, 3, 8, 8]), model.constant(weights, [4, 3, 2, 2])];
    model.output(model.node('Conv', inputs, { auto_pad: mode }));
    const [y] = await runModel(model, { x: float32(data, [1, 3, 8, 8]) });
    expectClose(y!, conv(dense([1, 3, 8, 8], data), dense([4, 3, 2, 2], weights), undefined, { pads }));
  });

  test('weights that the network computes', async () => {
    const random = new Random(6);
    const [data, weights] = [random.floats(5 * 7 * 7), random.floats(6 * 5 * 3 * 3)];
    const model = new ModelBuilder();
    const w = model.node('Neg', [model.input('w', [6, 5, 3, 3])]);
    model.output(model.node('Conv', [model.input('x', [1, 5, 7, 7]), w]));
    const feeds = { x: float32(data, [1, 5, 7, 7]), w: float32(weights, [6, 5, 3, 3]) };
    const [y] = await runModel(model, feeds);
    expectClose(
      y!,
      conv(
        dense([1, 5, 7, 7], data),
        dense(
          [6, 5, 3, 3],
          weights.map((e) => -e),
        ),
        undefined,
      ),
    );
  });
});
