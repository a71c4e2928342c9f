import fc from 'fast-check';
import { expectClose } from '../support/compare';
import { ModelBuilder } from '../support/model';
import { checkQuantizedConv, convAttributes } from '../support/quantized-conv';
import { Random } from '../support/random';
import { count, dense } from '../support/reference/dense';
import { conv } from '../support/reference/window';
import { float32, runModel } from '../support/run';

/** Convolutions of any shape that has a result, small enough for the naive reference. */
const convolution = fc
  .record({
    batch: fc.integer({ min: 1, max: 3 }),
    groups: fc.constantFrom(1, 1, 1, 2, 5, 16),
    inputs: fc.integer({ min: 1, max: 20 }),
    outputs: fc.integer({ min: 1, max: 20 }),
    depthwise: fc.boolean(),
    axes: fc.array(
      fc.record({
        size: fc.integer({ min: 1, max: 9 }),
        kernel: fc.integer({ min: 1, max: 4 }),
        stride: fc.integer({ min: 1, max: 3 }),
        dilation: fc.integer({ min: 1, max: 2 }),
        begin: fc.integer({ min: 0, max: 3 }),
        end: fc.integer({ min: 0, max: 3 }),
      }),
      { minLength: 1, maxLength: 2 },
    ),
  })
  .map(({ batch, groups, inputs, outputs, depthwise, axes }) => {
    const perGroup = depthwise ? 1 : Math.ceil(inputs / groups);
    const of = <K extends keyof (typeof axes)[0]>(key: K): number[] => axes.map((axis) => axis[key]);
    return {
      x: [batch, perGroup * groups, ...of('size')],
      w: [(depthwise ? 1 : Math.ceil(outputs / groups)) * groups, perGroup, ...of('kernel')],
      groups,
      strides: of('stride'),
      dilations: of('dilation'),
      pads: [...of('begin'), ...of('end')],
      fits: axes.every(
        ({ size, kernel, dilation, begin, end }) => size + begin + end >= dilation * (kernel - 1) + 1,
      ),
    };
  })
  .filter(({ fits }) => fits);

const settings = { numRuns: 60, seed: 20260101 };

describe('convolutions of random shapes', () => {
  test('in float32', async () => {
    await fc.assert(
      fc.asyncProperty(convolution, async (spec) => {
        const random = new Random(count(spec.x));
        const [data, weights] = [random.floats(count(spec.x)), random.floats(count(spec.w))];
        const model = new ModelBuilder();
        const inputs = [model.input('x', spec.x), model.constant(weights, spec.w)];
        model.output(model.node('Conv', inputs, convAttributes(spec)));
        const [y] = await runModel(model, { x: float32(data, spec.x) });
        expectClose(y!, conv(dense(spec.x, data), dense(spec.w, weights), undefined, spec));
      }),
      settings,
    );
  });

  const grid = fc.record({
    dtype: fc.constantFrom('uint8' as const, 'int8' as const),
    zero: fc.integer({ min: 0, max: 127 }),
    scale: fc.constantFrom(0.02, 0.5, 1e-3),
  });

  test('in INT8, with any zero points', async () => {
    await fc.assert(
      fc.asyncProperty(
        convolution,
        grid,
        fc.record({ relu: fc.boolean(), bias: fc.boolean(), perTensor: fc.boolean() }),
        (spec, xGrid, options) => checkQuantizedConv({ ...spec, ...options, xGrid }),
      ),
      settings,
    );
  });
});
