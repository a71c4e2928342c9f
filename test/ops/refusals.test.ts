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
  test('axes of a reduction that the network computes', () =>
    expectRefused(
      (m) => m.node('ReduceSum', [m.input('x', [2, 3]), m.input('axes', [1], 'int64')]),
      /ReduceSum node "ReduceSum0": expected its axes to be constant/,
    ));

  test.each(['int32', 'int64'] as const)('arithmetic on %s', (dtype) =>
    expectRefused(
      (m) => m.node('Add', [m.input('a', [2], dtype), m.input('b', [2], dtype)]),
      new RegExp(`Add node "Add0": ${dtype} is not supported`),
    ),
  );

  test.each(['floor', 'ceil'])('nearest between half pixels that rounds to %s', (nearest_mode) =>
    expectRefused(
      (m) =>
        m.node('Resize', [m.input('x', [1, 1, 2, 2]), undefined, m.constant([1, 1, 2, 2], [4])], {
          mode: 'nearest',
          coordinate_transformation_mode: 'half_pixel',
          nearest_mode,
        }),
      /Resize node "Resize1": expected nearest with whole factors/,
    ),
  );

  test('a padding value that the network computes', () =>
    expectRefused(
      (m) => m.node('Pad', [m.input('x', [2]), m.constant([1, 1], [2], 'int64'), m.input('value', [])]),
      /Pad node "Pad1": expected constant, non-negative pads, a constant value/,
    ));

  test.each([3, 4])('input %d of a Slice that the network computes', (index) =>
    expectRefused((m) => {
      const bound = (value: number) => m.constant([value], [1], 'int64');
      const inputs = [m.input('x', [4, 4]), bound(0), bound(2), bound(1), bound(1)];
      inputs[index] = m.input('computed', [1], 'int64');
      return m.node('Slice', inputs);
    }, /Slice node "Slice\d": expected constant bounds/),
  );

  test('a batch normalization by position', () =>
    expectRefused((m) => {
      const parameters = [0, 1, 2, 3].map(() => m.constant([1, 1], [2]));
      return m.node('BatchNormalization', [m.input('x', [1, 2, 1, 1]), ...parameters], { spatial: 0 });
    }, /BatchNormalization node "BatchNormalization4": spatial = 0 is not supported/));

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
