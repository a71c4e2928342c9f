import { expectClose } from '../support/compare';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { dense, map, type Dense } from '../support/reference/dense';
import { batchNorm, binary, clip, relu } from '../support/reference/elements';
import { conv } from '../support/reference/window';
import { float32, runModel, withSession } from '../support/run';
import type { Value } from '../../lib/graph/graph';

const X = [2, 5, 7, 6];
const W = [17, 5, 3, 3];
const Y = [2, 17, 7, 6];
const PADS = { pads: [1, 1, 1, 1] };

/** A convolution, what the test appends to it, and the same on the reference. */
async function check(
  append: (model: ModelBuilder, y: Value, x: Value) => Value,
  reference: (y: Dense, x: Dense) => Dense,
): Promise<void> {
  const random = new Random(77);
  const [data, weights, bias] = [random.floats(420), random.floats(765), random.floats(17)];
  const model = new ModelBuilder();
  const x = model.input('x', X);
  const y = model.node('Conv', [x, model.constant(weights, W), model.constant(bias, [17])], PADS);
  model.output(append(model, y, x));
  const [actual] = await runModel(model, { x: float32(data, X) });
  expectClose(actual!, reference(conv(dense(X, data), dense(W, weights), bias, PADS), dense(X, data)));
}

describe('what is fused onto a convolution in float32', () => {
  test('ReLU', () => check((m, y) => m.node('Relu', [y]), relu));

  test('Clip with constant bounds', () =>
    check(
      (m, y) => m.node('Clip', [y, m.constant([-0.25], []), m.constant([0.5], [])]),
      (y) => clip(y, -0.25, 0.5),
    ));

  test('Clip without a lower bound', () =>
    check(
      (m, y) => m.node('Clip', [y, undefined, m.constant([0.5], [])]),
      (y) => clip(y, -Infinity, 0.5),
    ));

  test('LeakyRelu', () =>
    check(
      (m, y) => m.node('LeakyRelu', [y], { alpha: { float: 0.125 } }),
      (y) => map(y, (e) => (e < 0 ? e * 0.125 : e)),
    ));

  test('Sigmoid', () =>
    check(
      (m, y) => m.node('Sigmoid', [y]),
      (y) => map(y, (e) => 1 / (1 + Math.exp(-e))),
    ));

  test('HardSwish', () =>
    check(
      (m, y) => m.node('HardSwish', [y]),
      (y) => map(y, (e) => e * Math.min(Math.max(e / 6 + 0.5, 0), 1)),
    ));

  const residual = (m: ModelBuilder, x: Value): Value =>
    m.node('Concat', [x, x, x, sliced(m, x)], { axis: 1 });
  const sliced = (m: ModelBuilder, x: Value): Value =>
    m.node('Slice', [x, ...[[0], [2], [1]].map((list) => m.constant(list, [1], 'int64'))]);
  const residualOf = (x: Dense): Dense => {
    const plane = 42;
    const data = Array.from({ length: 2 * 17 * plane }, (_, flat) => {
      const [n, c, p] = [Math.floor(flat / (17 * plane)), Math.floor(flat / plane) % 17, flat % plane];
      return x.data[(n * 5 + (c < 15 ? c % 5 : c - 15)) * plane + p]!;
    });
    return dense(Y, data);
  };
  const sum = (a: Dense, b: Dense): Dense => binary(a, b, (p, q) => p + q);

  test('a residual sum', () =>
    check(
      (m, y, x) => m.node('Add', [y, residual(m, x)]),
      (y, x) => sum(y, residualOf(x)),
    ));

  test('a residual sum and ReLU, the residual first', () =>
    check(
      (m, y, x) => m.node('Relu', [m.node('Add', [residual(m, x), y])]),
      (y, x) => relu(sum(y, residualOf(x))),
    ));

  test('a residual that others read later stays as it was', () =>
    check(
      (m, y, x) => {
        const r = residual(m, x);
        return m.node('Mul', [m.node('Relu', [m.node('Add', [y, r])]), r]);
      },
      (y, x) => binary(relu(sum(y, residualOf(x))), residualOf(x), (a, b) => a * b),
    ));

  test('a convolution added to itself', () =>
    check(
      (m, y) => m.node('Add', [y, y]),
      (y) => sum(y, y),
    ));

  test('a bias-shaped Add is no residual', () =>
    check(
      (m, y) => m.node('Add', [y, m.constant(new Float32Array(17).fill(0.5), [17, 1, 1])]),
      (y) => map(y, (e) => e + 0.5),
    ));

  test('batch normalization', () => {
    const random = new Random(3);
    const [gamma, beta, mean] = [0, 1, 2].map(() => [...random.floats(17)]) as [number[], number[], number[]];
    const variance = [...random.floats(17, 0.5, 2)];
    return check(
      (m, y) =>
        m.node(
          'BatchNormalization',
          [y, ...[gamma, beta, mean, variance].map((list) => m.constant(list, [17]))],
          { epsilon: { float: 1e-3 } },
        ),
      (y) => batchNorm(y, [gamma, beta, mean, variance], Math.fround(1e-3)),
    );
  });

  test('the model input as the residual is left alone', async () => {
    const random = new Random(8);
    const [data, weights] = [random.floats(4 * 16 * 9), random.floats(16 * 16 * 9)];
    const model = new ModelBuilder();
    const x = model.input('x', ['n', 16, 3, 3]);
    const y = model.node('Conv', [x, model.constant(weights, [16, 16, 3, 3])], PADS);
    model.output(model.node('Relu', [model.node('Add', [y, x])]));
    const kept = data.slice();
    const dims = [4, 16, 3, 3];
    await withSession(model, async (session) => {
      for (let i = 0; i < 2; ++i) {
        const { [session.outputNames[0]!]: actual } = await session.run({ x: float32(data, dims) });
        const product = conv(dense(dims, data), dense([16, 16, 3, 3], weights), undefined, PADS);
        expectClose(actual!, relu(binary(product, dense(dims, data), (a, b) => a + b)));
      }
      expect(data).toEqual(kept);
    });
  });
});
