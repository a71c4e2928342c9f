import { ModelBuilder } from '../support/model';
import { count, dense } from '../support/reference/dense';
import { pool, type WindowSpec } from '../support/reference/window';
import { float32, withSession } from '../support/run';

interface Case extends WindowSpec {
  /** [N, C, ...spatial]. */
  x: readonly number[];
  kernel: readonly number[];
}

const CASES: [string, Case][] = [
  ['3x3, strides 2, padded, 64 channels', { x: [1, 64, 9, 11], kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }], // prettier-ignore
  ['100 channels', { x: [2, 100, 6, 5], kernel: [2, 2], strides: [2, 1] }],
  ['1 channel', { x: [1, 1, 7, 7], kernel: [3, 3] }],
  ['129 channels, asymmetric padding', { x: [1, 129, 5, 6], kernel: [3, 2], pads: [0, 1, 2, 0] }],
  ['dilations', { x: [1, 5, 9, 9], kernel: [3, 3], dilations: [2, 3], strides: [1, 2] }],
  ['ceil_mode', { x: [1, 4, 6, 7], kernel: [3, 3], strides: [2, 2], ceil: true }],
  ['ceil_mode with padding', { x: [1, 30, 8, 8], kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceil: true }], // prettier-ignore
  ['windows over the whole image', { x: [2, 70, 4, 4], kernel: [4, 4] }],
  ['1-D', { x: [2, 17, 12], kernel: [3], strides: [2], pads: [1, 0] }],
  ['3-D', { x: [1, 5, 5, 6, 4], kernel: [2, 3, 2], strides: [2, 1, 2], pads: [1, 1, 0, 0, 1, 1] }],
];

const SCALE = 0.5;

/** Between Q/DQ pairs, behind a convolution that changes nothing and delivers its bytes channels-last. */
function modelOf(dtype: 'uint8' | 'int8', { x, kernel, ...spec }: Case): ModelBuilder {
  const model = new ModelBuilder(19);
  const [channels, rank] = [x[1]!, x.length];
  const grid = { scale: SCALE, zero: 0, dtype };
  const identity = Float32Array.from({ length: channels ** 2 }, (_, i) => (i % (channels + 1) === 0 ? 1 : 0));
  const weights = model.requantized(
    model.constant(identity, [channels, channels, ...Array<number>(rank - 2).fill(1)]),
    { scale: 1, zero: 0, dtype: 'int8' },
  );
  const same = model.node('Conv', [model.requantized(model.input('x', x), grid), weights]);
  const y = model.node('MaxPool', [model.requantized(same, grid)], {
    kernel_shape: kernel,
    ...(spec.strides && { strides: spec.strides }),
    ...(spec.dilations && { dilations: spec.dilations }),
    ...(spec.pads && { pads: spec.pads }),
    ...(spec.ceil && { ceil_mode: 1 }),
  });
  return model.output(model.requantized(y, grid));
}

describe.each(['uint8', 'int8'] as const)('max pooling of channels-last %s', (dtype) => {
  const least = dtype === 'int8' ? -128 : 0;
  test.each(CASES)('%s', async (_, spec) => {
    const { x, kernel, ...window } = spec;
    const values = Array.from({ length: count(x) }, (__, i) => SCALE * (((i * 7919 + 13) % 256) + least));
    await withSession(modelOf(dtype, spec), async (session) => {
      const [y] = Object.values(await session.run({ x: float32(values, x) }));
      const wanted = pool(dense(x, values), 'max', kernel, window);
      expect(y!.dims).toEqual(wanted.dims);
      expect([...(y!.data as Float32Array)]).toEqual([...wanted.data]);
      const { steps } = await session.info();
      expect(steps.map(({ implementation }) => implementation)).toContain('calibr8:max_pooling');
    });
  });

  test('in a team of two as alone', async () => {
    const spec: Case = { x: [3, 80, 33, 31], kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
    const values = Array.from(
      { length: count(spec.x) },
      (_, i) => SCALE * (((i * 31 + (i >> 5)) % 256) + least),
    );
    const [alone, team] = [1, 2].map((threadsPerStream) =>
      withSession(
        modelOf(dtype, spec),
        async (session) => Object.values(await session.run({ x: float32(values, spec.x) }))[0]!.data,
        { threadsPerStream },
      ),
    );
    expect(await team).toEqual(await alone);
  });
});
