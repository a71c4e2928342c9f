import fc from 'fast-check';
import { expectClose } from '../support/compare';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { count, dense, map } from '../support/reference/dense';
import { conv } from '../support/reference/window';
import { float32, withSession } from '../support/run';

interface Case {
  batch?: number;
  channels: number;
  height: number;
  width: number;
  stride?: number;
  pads?: readonly number[];
  bias?: boolean;
  activation?: 'Relu' | 'Clip';
  threads?: number;
  seed?: number;
}

/** Runs a depthwise 3x3 convolution of random data, compares it to the reference, and returns its implementation. */
async function check(spec: Case): Promise<string> {
  const { batch = 1, channels, height, width, stride = 1, pads = [1, 1, 1, 1], bias = true } = spec;
  const random = new Random(spec.seed ?? channels);
  const dims = [batch, channels, height, width];
  const [x, w] = [random.floats(count(dims)), random.floats(9 * channels)];
  const shift = bias ? random.floats(channels) : undefined;
  const model = new ModelBuilder();
  const inputs = [model.input('x', dims), model.constant(w, [channels, 1, 3, 3])];
  if (shift) inputs.push(model.constant(shift, [channels]));
  let y = model.node('Conv', inputs, { strides: [stride, stride], pads, group: channels });
  if (spec.activation === 'Relu') y = model.node('Relu', [y]);
  if (spec.activation === 'Clip')
    y = model.node('Clip', [y, model.constant([-0.25], []), model.constant([0.5], [])]);
  model.output(y);
  const exact = conv(dense(dims, x), dense([channels, 1, 3, 3], w), shift, {
    ...{ strides: [stride, stride], pads, groups: channels },
  });
  const expected = map(exact, (real) => {
    if (spec.activation === 'Relu') return Math.max(0, real);
    return spec.activation === 'Clip' ? Math.min(0.5, Math.max(-0.25, real)) : real;
  });
  return withSession(
    model,
    async (session) => {
      const outputs = await session.run({ x: float32(x, dims) });
      expectClose(outputs[session.outputNames[0]!]!, expected);
      const { steps } = await session.info();
      return steps.find(({ kernel }) => kernel === 'convolution')!.implementation;
    },
    { threadsPerStream: spec.threads ?? 1 },
  );
}

describe('depthwise 3x3 convolutions in float32 equal the reference', () => {
  const cases: [string, Case][] = [
    ['a row of one pixel', { channels: 20, height: 3, width: 1 }],
    ['rows of an odd number', { channels: 16, height: 5, width: 9 }],
    ['strides of 2', { channels: 40, height: 8, width: 11, stride: 2 }],
    [
      'strides of 2, padding at the end only',
      { channels: 32, height: 8, width: 8, stride: 2, pads: [0, 0, 1, 1] },
    ],
    ['more channels than a piece of work has', { channels: 600, height: 4, width: 5 }],
    ['more padding than the kernel covers', { channels: 17, height: 3, width: 3, pads: [4, 3, 4, 3] }],
    ['no bias', { channels: 9, height: 6, width: 6, bias: false }],
    ['ReLU', { channels: 48, height: 6, width: 6, activation: 'Relu' }],
    ['Clip', { channels: 48, height: 6, width: 6, activation: 'Clip' }],
    ['several images on several threads', { batch: 3, channels: 70, height: 40, width: 30, threads: 3 }],
  ];
  test.each(cases)('%s', async (_, spec) => {
    const implementation = await check(spec);
    if (implementation.startsWith('calibr8')) expect(implementation).toBe('calibr8:depthwise_fma');
  });

  test('any shape', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          channels: fc.integer({ min: 2, max: 70 }),
          height: fc.integer({ min: 3, max: 10 }),
          width: fc.integer({ min: 3, max: 12 }),
          stride: fc.constantFrom(1, 2),
          pads: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 4, maxLength: 4 }),
          bias: fc.boolean(),
          seed: fc.nat(),
        }),
        async (spec) => void (await check(spec)),
      ),
      { numRuns: 40 },
    ));
});

test('what is no number stays none through an activation', async () => {
  const model = new ModelBuilder();
  const x = model.input('x', [1, 16, 4, 4]);
  const w = model.constant(new Array<number>(16 * 9).fill(1), [16, 1, 3, 3]);
  model.output(model.node('Relu', [model.node('Conv', [x, w], { group: 16 })]));
  const data = new Float32Array(16 * 16).fill(1);
  data[0] = NaN;
  const results = await withSession(model, (session) => session.run({ x: float32(data, [1, 16, 4, 4]) }));
  const [y] = Object.values(results);
  expect(Array.from(y!.data as Float32Array).slice(0, 4)).toEqual([NaN, 9, 9, 9]);
});
