import type { Value } from '../../lib/graph/graph';
import { expectClose } from '../support/compare';
import { ModelBuilder, type AttributeSpec } from '../support/model';
import { Random } from '../support/random';
import { at, build, count, dense, type Dense } from '../support/reference/dense';
import { float32, runModel } from '../support/run';

/** Runs one node of an old operator set on random inputs. */
async function run(
  opset: number,
  op: string,
  shapes: readonly number[][],
  attributes: Readonly<Record<string, AttributeSpec>>,
  more: (m: ModelBuilder) => Value[] = () => [],
) {
  const random = new Random(opset + op.length);
  const model = new ModelBuilder(opset);
  const inputs = shapes.map((dims) => dense(dims, random.floats(count(dims), 0.5, 2)));
  const values = shapes.map((dims, i) => model.input(`x${i}`, dims));
  model.output(model.node(op, [...values, ...more(model)], attributes));
  const feeds = Object.fromEntries(inputs.map(({ dims, data }, i) => [`x${i}`, float32(data, dims)]));
  const [y] = await runModel(model, feeds);
  return { y: y!, inputs };
}

const element = ({ dims, data }: Dense, index: readonly number[]): number => data[at(dims, index)]!;

describe('operators from before opset 7', () => {
  test.each<[string, (a: number, b: number) => number]>([
    ['Add', (a, b) => a + b],
    ['Sub', (a, b) => a - b],
    ['Mul', (a, b) => a * b],
    ['Div', (a, b) => a / b],
    ['Pow', (a, b) => a ** b],
  ])('%s lays its second operand along the axes from `axis` on', async (op, apply) => {
    const { y, inputs } = await run(
      6,
      op,
      [
        [2, 3, 4, 5],
        [3, 4],
      ],
      { broadcast: 1, axis: 1 },
    );
    const [a, b] = inputs as [Dense, Dense];
    expectClose(
      y,
      build(a.dims, (index) => apply(element(a, index), element(b, index.slice(1, 3)))),
      1e-6,
    );
  });

  test('without an axis the last ones count', async () => {
    const { y, inputs } = await run(6, 'Add', [[2, 3, 4], [4]], { broadcast: 1 });
    const [a, b] = inputs as [Dense, Dense];
    expectClose(
      y,
      build(a.dims, (index) => element(a, index) + element(b, index.slice(2))),
      1e-6,
    );
  });

  test('PRelu has a slope a channel', async () => {
    const { y, inputs } = await run(6, 'PRelu', [[2, 3, 4, 4]], {}, (m) => [
      m.constant([0.1, 0.2, 0.3], [3]),
    ]);
    expectClose(y, inputs[0]!, 1e-6);
  });

  test('hints for training and memory mean nothing', async () => {
    const dims = [1, 2, 2, 2];
    const { y, inputs } = await run(
      6,
      'BatchNormalization',
      [dims],
      { is_test: 1, consumed_inputs: [0, 0, 0, 1, 1] },
      (m) =>
        [
          [2, 1],
          [0, 1],
          [1, 1],
          [1, 4],
        ].map((numbers) => m.constant(numbers, [2])),
    );
    const [gamma, beta, variance] = [
      [2, 1],
      [0, 1],
      [1, 4],
    ] as const;
    const normal = (x: number, c: number): number =>
      ((x - 1) / Math.sqrt(variance[c]! + 1e-5)) * gamma[c]! + beta[c]!;
    expectClose(
      y,
      build(dims, (index) => normal(element(inputs[0]!, index), index[1]!)),
      1e-5,
    );
  });

  test('Reshape has its shape as an attribute', async () => {
    const { y, inputs } = await run(1, 'Reshape', [[2, 6]], { shape: [3, -1] });
    expectClose(y, dense([3, 4], inputs[0]!.data), 0);
  });

  test('Pad calls its pads paddings', async () => {
    const { y } = await run(1, 'Pad', [[1, 2]], { paddings: [0, 1, 0, 2] });
    expect(y.dims).toEqual([1, 5]);
  });

  test('Concat joins along axis 1', async () => {
    const { y } = await run(
      1,
      'Concat',
      [
        [2, 3],
        [2, 1],
      ],
      {},
    );
    expect(y.dims).toEqual([2, 4]);
  });

  test('Upsample has a factor each for height and width', async () => {
    const attributes = { height_scale: { float: 2 }, width_scale: { float: 3 }, mode: 'nearest' };
    const { y, inputs } = await run(1, 'Upsample', [[1, 2, 2, 3]], attributes);
    const [x] = inputs as [Dense];
    const from = ([n, c, h, w]: readonly number[]): number =>
      element(x, [n!, c!, Math.floor(h! / 2), Math.floor(w! / 3)]);
    expectClose(y, build([1, 2, 4, 9], from), 0);
  });

  test('Cast names its target', async () => {
    const { y } = await run(1, 'Cast', [[2]], { to: 'FLOAT' });
    expect(y.type).toBe('float32');
  });
});
