import { expectClose } from '../support/compare';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { count, dense } from '../support/reference/dense';
import { globalAverage, pool, type Pooling, type WindowSpec } from '../support/reference/window';
import { float32, runModel } from '../support/run';

interface Case extends WindowSpec {
  x: readonly number[];
  kernel: readonly number[];
}

const CASES: [string, Case][] = [
  ['2x2, strides 2', { x: [1, 16, 8, 8], kernel: [2, 2], strides: [2, 2] }],
  ['3x3, strides 2, odd size', { x: [2, 17, 9, 7], kernel: [3, 3], strides: [2, 2] }],
  ['1 channel', { x: [1, 1, 5, 5], kernel: [3, 3] }],
  ['padding', { x: [1, 5, 7, 7], kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }],
  ['asymmetric padding', { x: [7, 3, 6, 6], kernel: [3, 3], strides: [2, 2], pads: [0, 1, 1, 0] }],
  ['strides larger than the kernel', { x: [1, 33, 11, 11], kernel: [2, 3], strides: [4, 5] }],
  ['ceil_mode', { x: [1, 4, 6, 7], kernel: [3, 3], strides: [2, 2], ceil: true }],
  [
    'ceil_mode with padding',
    { x: [1, 30, 8, 8], kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceil: true },
  ],
  [
    'ceil_mode whose last window would start in the padding',
    { x: [1, 2, 4, 4], kernel: [2, 2], strides: [3, 3], pads: [1, 1, 1, 1], ceil: true },
  ],
  ['1-D', { x: [2, 17, 12], kernel: [3], strides: [2], pads: [1, 0] }],
  ['3-D', { x: [1, 5, 5, 6, 4], kernel: [2, 3, 2], strides: [2, 1, 2], pads: [1, 1, 0, 0, 1, 1] }],
];

async function check(op: string, kind: Pooling, { x, kernel, ...spec }: Case): Promise<void> {
  const data = new Random(count(x)).floats(count(x));
  const model = new ModelBuilder(19);
  model.output(
    model.node(op, [model.input('x', x)], {
      kernel_shape: kernel,
      ...(spec.strides && { strides: spec.strides }),
      ...(spec.dilations && { dilations: spec.dilations }),
      ...(spec.pads && { pads: spec.pads }),
      ...(spec.ceil && { ceil_mode: 1 }),
      ...(kind === 'averageWithPadding' && { count_include_pad: 1 }),
    }),
  );
  const [y] = await runModel(model, { x: float32(data, x) });
  expectClose(y!, pool(dense(x, data), kind, kernel, spec), 1e-6);
}

describe('pooling in float32 equals the reference', () => {
  test.each(CASES)('MaxPool, %s', (_, spec) => check('MaxPool', 'max', spec));
  test.each(CASES)('AveragePool, %s', (_, spec) => check('AveragePool', 'average', spec));
  test.each(CASES)('AveragePool counting padding, %s', (_, spec) =>
    check('AveragePool', 'averageWithPadding', spec),
  );
  test('MaxPool with dilations', () =>
    check('MaxPool', 'max', { x: [1, 5, 9, 9], kernel: [3, 3], dilations: [2, 2], strides: [1, 2] }));
  test('AveragePool with dilations', () =>
    check('AveragePool', 'average', {
      x: [1, 5, 9, 9],
      kernel: [2, 3],
      dilations: [3, 2],
      pads: [1, 1, 1, 1],
    }));

  test('MaxPool of negative numbers ignores the padding', async () => {
    const model = new ModelBuilder();
    model.output(
      model.node('MaxPool', [model.input('x', [1, 1, 2, 2])], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
    );
    const [y] = await runModel(model, { x: float32([-5, -6, -7, -8], [1, 1, 2, 2]) });
    expect([...y!.data]).toEqual([-5, -5, -5, -5]);
  });

  test.each([[[1, 16, 7, 7]], [[2, 17, 5, 3]], [[7, 3, 1, 1]], [[1, 33, 9]], [[1, 5, 3, 4, 5]]])(
    'GlobalAveragePool and GlobalMaxPool of %p',
    async (dims) => {
      const data = new Random(4).floats(count(dims));
      const model = new ModelBuilder();
      const x = model.input('x', dims);
      model.output(model.node('GlobalAveragePool', [x])).output(model.node('GlobalMaxPool', [x]));
      const [mean, most] = await runModel(model, { x: float32(data, dims) });
      expectClose(mean!, globalAverage(dense(dims, data)), 1e-6);
      expectClose(most!, pool(dense(dims, data), 'max', dims.slice(2)), 0);
    },
  );
});
