import { Tensor } from '../../lib/index';
import type { Value } from '../../lib/graph/graph';
import { ModelBuilder } from '../support/model';
import { float32, runModel } from '../support/run';

/** The error that a model of these nodes gives at creation. */
async function expectRefused(
  compose: (model: ModelBuilder) => Value,
  message: RegExp,
  code = 'UNSUPPORTED_OPERATOR',
): Promise<void> {
  const model = new ModelBuilder();
  model.output(compose(model));
  const error: unknown = await runModel(model, {}).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'Calibr8Error', code, message: expect.stringMatching(message) });
}

describe('what cannot run is refused by name', () => {
  /** What an image says, as an integer: nobody knows it before the network runs. */
  const computed = (m: ModelBuilder): Value => {
    const far = m.node('ReduceMax', [m.input('image', [1, 3, 64, 64])], { axes: [0, 1, 2, 3], keepdims: 0 });
    return m.node('Reshape', [m.node('Cast', [far], { to: 7 }), m.constant([1], [1], 'int64')]);
  };
  const bound = (m: ModelBuilder, value: number): Value => m.constant([value], [1], 'int64');

  test.each<[string, (m: ModelBuilder) => Value]>([
    ['axes of a reduction', (m) => m.node('ReduceSum', [m.input('x', [2, 3]), computed(m)])],
    [
      'the start of a Slice',
      (m) => m.node('Slice', [m.input('x', [4, 4]), computed(m), bound(m, 3), bound(m, 0)]),
    ],
    [
      'the axis of a Slice',
      (m) => m.node('Slice', [m.input('x', [4, 4]), bound(m, 0), bound(m, 2), computed(m)]),
    ],
    [
      'the step of a Slice',
      (m) => m.node('Slice', [m.input('x', [4, 4]), bound(m, 0), bound(m, 2), bound(m, 0), computed(m)]),
    ],
    ['the shape of a Reshape', (m) => m.node('Reshape', [m.input('x', [4, 4]), computed(m)])],
    [
      'a padding value',
      (m) =>
        m.node('Pad', [
          m.input('x', [2]),
          m.constant([1, 1], [2], 'int64'),
          m.node('Cast', [computed(m)], { to: 1 }),
        ]),
    ],
  ])('%s that the network computes', (_, compose) => expectRefused(compose, /depends on the input's values/));

  test('a mode of padding that there is not', () =>
    expectRefused(
      (m) => m.node('Pad', [m.input('x', [2]), m.constant([1, 1], [2], 'int64')], { mode: 'mirror' }),
      /Pad node "Pad1": expected mode constant, reflect, edge or wrap but received "mirror"/,
    ));

  test('a batch normalization by position', () =>
    expectRefused((m) => {
      const parameters = [0, 1, 2, 3].map(() => m.constant([1, 1], [2]));
      return m.node('BatchNormalization', [m.input('x', [1, 2, 1, 1]), ...parameters], { spatial: 0 });
    }, /BatchNormalization node "BatchNormalization4": spatial = 0 is not supported/));

  test('the other outputs of a batch normalization that does not train', () =>
    expectRefused((m) => {
      const parameters = [0, 1, 2, 3].map(() => m.constant([1, 1], [2]));
      return m.nodeWithOutputs('BatchNormalization', [m.input('x', [1, 2, 1, 1]), ...parameters], 3)[1]!;
    }, /expected one output without training_mode but it has 3/));

  test('dropping elements at random', () =>
    expectRefused(
      (m) => m.node('Dropout', [m.input('x', [3]), m.constant([0.3], []), m.constant([1], [], 'bool')]),
      /training_mode with a ratio of 0\.3\d* is not supported; export the model for inference/,
    ));

  test('operands of two types', () =>
    expectRefused(
      (m) => m.node('Add', [m.input('a', [2]), m.input('b', [2], 'int32')]),
      /expected operands of one type but received float32 and int32/,
      'INVALID_SHAPE',
    ));

  test.each<[string, (m: ModelBuilder) => Value, RegExp]>([
    [
      'shapes that do not broadcast',
      (m) => m.node('Add', [m.input('a', [2, 3]), m.input('b', [2])]),
      /expected shapes that broadcast but received \[2, 3\] and \[2\]/,
    ],
    [
      'inner dimensions that differ',
      (m) => m.node('MatMul', [m.input('a', [2, 3]), m.input('b', [4, 2])]),
      /expected equal inner dimensions but received \[2, 3\] and \[4, 2\]/,
    ],
    [
      'a window that does not fit',
      (m) => m.node('MaxPool', [m.input('x', [1, 1, 2, 2])], { kernel_shape: [3, 3] }),
      /window of 3 does not fit into 2 elements/,
    ],
    [
      'a concatenation of different sizes',
      (m) => m.node('Concat', [m.input('a', [2, 3]), m.input('b', [2, 4])], { axis: 0 }),
      /expected shapes that differ along axis 0 only/,
    ],
    [
      'an impossible reshape',
      (m) => m.node('Reshape', [m.input('x', [2, 3]), m.constant([4, 2], [2], 'int64')]),
      /cannot reshape \[2, 3\] to \[4, 2\]: 6 elements against 8/,
    ],
    [
      'groups that do not divide',
      (m) =>
        m.node('Conv', [m.input('x', [1, 4, 3]), m.constant(new Float32Array(6), [3, 2, 1])], { group: 2 }),
      /expected 3 output channels to divide by group but group is 2/,
    ],
    [
      'a scale of zero',
      (m) => m.node('QuantizeLinear', [m.input('x', [2]), m.constant([0], [])]),
      /expected positive finite scales but received 0/,
    ],
  ])('%s', (_, compose, message) => expectRefused(compose, message, 'INVALID_SHAPE'));
});

describe('forms that need care', () => {
  test.each(['Sum', 'Max', 'Min'])('%s of one input', async (op) => {
    const m = new ModelBuilder();
    m.output(m.node(op, [m.input('x', [3])]));
    const [y] = await runModel(m, { x: float32([1, 2, 3], [3]) });
    expect([...y!.data]).toEqual([1, 2, 3]);
  });

  test('Dropout with its mask', async () => {
    const m = new ModelBuilder();
    const [y, mask] = m.nodeWithOutputs('Dropout', [m.input('x', [3])], 2);
    m.output(y!).output(mask!, 'bool');
    const [kept, all] = await runModel(m, { x: float32([1, 2, 3], [3]) });
    expect([...kept!.data]).toEqual([1, 2, 3]);
    expect(all).toEqual(new Tensor('bool', Uint8Array.of(1, 1, 1), [3]));
  });
});

describe('pads below zero are the fault of the model', () => {
  const x = (m: ModelBuilder): Value => m.input('x', [1, 4, 9, 9]);
  const w = (m: ModelBuilder): Value => m.constant(new Float32Array(4 * 4 * 9), [4, 4, 3, 3]);
  const pads = { pads: [1, -1, 1, -1] };
  test.each<[string, (m: ModelBuilder) => Value]>([
    ['Conv', (m) => m.node('Conv', [x(m), w(m)], pads)],
    ['ConvTranspose', (m) => m.node('ConvTranspose', [x(m), w(m)], pads)],
    ['MaxPool', (m) => m.node('MaxPool', [x(m)], { ...pads, kernel_shape: [3, 3] })],
    ['AveragePool', (m) => m.node('AveragePool', [x(m)], { ...pads, kernel_shape: [3, 3] })],
    [
      'MaxUnpool',
      (m) =>
        m.node('MaxUnpool', [x(m), m.input('i', [1, 4, 9, 9], 'int64')], { ...pads, kernel_shape: [3, 3] }),
    ],
  ])('%s', (_, compose) =>
    expectRefused(compose, /4 pads of 0 or more but received \[1, -1, 1, -1\]/, 'INVALID_SHAPE'),
  );
});
