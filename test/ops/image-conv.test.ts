import fc from 'fast-check';
import { expectClose } from '../support/compare';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { count, dense, map } from '../support/reference/dense';
import { conv } from '../support/reference/window';
import { float32, withSession } from '../support/run';

interface Case {
  x: readonly number[];
  w: readonly number[];
  strides?: readonly number[];
  pads?: readonly number[];
  bias?: boolean;
  activation?: 'Relu' | 'Clip';
  threads?: number;
  seed?: number;
}

/** Runs a network's first convolution on random planes, compares it to the reference, and returns its implementation. */
async function check({
  x,
  w,
  strides = [1, 1],
  pads = [0, 0, 0, 0],
  bias = true,
  ...spec
}: Case): Promise<string> {
  const random = new Random(spec.seed ?? 5);
  const [data, weights] = [random.floats(count(x)), random.floats(count(w))];
  const shift = bias ? random.floats(w[0]!) : undefined;
  const model = new ModelBuilder();
  const inputs = [model.input('x', x), model.constant(weights, w)];
  if (shift) inputs.push(model.constant(shift, [w[0]!]));
  let y = model.node('Conv', inputs, { strides, pads });
  if (spec.activation === 'Relu') y = model.node('Relu', [y]);
  if (spec.activation === 'Clip')
    y = model.node('Clip', [y, model.constant([-0.25], []), model.constant([0.5], [])]);
  model.output(y);
  const expected = map(conv(dense(x, data), dense(w, weights), shift, { strides, pads }), (real) => {
    if (spec.activation === 'Relu') return Math.max(0, real);
    return spec.activation === 'Clip' ? Math.min(0.5, Math.max(-0.25, real)) : real;
  });
  return withSession(
    model,
    async (session) => {
      const outputs = await session.run({ x: float32(data, x) });
      expectClose(outputs[session.outputNames[0]!]!, expected);
      return (await session.info()).steps[0]!.implementation;
    },
    { threadsPerStream: spec.threads ?? 1 },
  );
}

describe('convolutions of an image in float32 equal the reference', () => {
  const same = [1, 1, 1, 1];
  const cases: [string, Case][] = [
    ...[1, 8, 16, 17, 32, 40, 48, 50, 64, 65, 96, 130].map((filters): [string, Case] => [
      `${filters} filters`,
      { x: [1, 3, 6, 29], w: [filters, 3, 3, 3], pads: same },
    ]),
    ['strides of 2', { x: [1, 3, 15, 50], w: [32, 3, 3, 3], strides: [2, 2], pads: [0, 0, 1, 1] }],
    ['strides that differ', { x: [1, 3, 9, 40], w: [20, 3, 3, 2], strides: [1, 3], pads: same }],
    ...[1, 20, 64, 72].map((filters): [string, Case] => [
      `7x7 windows, ${filters} filters`,
      { x: [1, 3, 17, 47], w: [filters, 3, 7, 7], strides: [2, 2], pads: [3, 3, 3, 3] },
    ]),
    ['four channels, 7x7', { x: [1, 4, 12, 40], w: [30, 4, 7, 7], pads: [2, 0, 1, 4] }],
    ['strides of 4', { x: [1, 3, 20, 90], w: [40, 3, 5, 7], strides: [4, 4], pads: [2, 2, 2, 2] }],
    ['windows wider than the image', { x: [1, 2, 4, 3], w: [24, 2, 7, 7], pads: [3, 4, 3, 4] }],
    ['a narrow image', { x: [1, 3, 7, 2], w: [24, 3, 3, 3], pads: same }],
    ['a lot of padding', { x: [1, 3, 3, 3], w: [24, 3, 3, 3], pads: [3, 5, 4, 3] }],
    ['no bias', { x: [1, 3, 7, 20], w: [24, 3, 3, 3], bias: false }],
    ['ReLU', { x: [1, 3, 7, 20], w: [24, 3, 3, 3], activation: 'Relu' }],
    ['Clip', { x: [1, 3, 7, 20], w: [24, 3, 3, 3], activation: 'Clip' }],
    ['several images on several threads', { x: [3, 3, 20, 30], w: [70, 3, 3, 3], pads: same, threads: 3 }],
  ];
  test.each(cases)('%s', async (_, spec) => {
    const implementation = await check(spec);
    if (implementation.startsWith('calibr8')) expect(implementation).toBe('calibr8:image_fma');
  });

  test('any shape', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          channels: fc.integer({ min: 1, max: 4 }),
          filters: fc.integer({ min: 1, max: 80 }),
          height: fc.integer({ min: 8, max: 12 }),
          width: fc.integer({ min: 8, max: 30 }),
          kernel: fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 })),
          strides: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })),
          pads: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 4, maxLength: 4 }),
          bias: fc.boolean(),
          seed: fc.nat(),
        }),
        async ({ channels, filters, height, width, kernel, ...rest }) =>
          void (await check({ x: [1, channels, height, width], w: [filters, channels, ...kernel], ...rest })),
      ),
      { numRuns: 60 },
    ));
});
