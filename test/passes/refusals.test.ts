import type { Value } from '../../lib/graph/graph';
import { Calibr8Error, InferenceSession } from '../../lib/index';
import { ModelBuilder } from '../support/model';

/** The error at loading. */
async function refusal(model: ModelBuilder): Promise<Calibr8Error> {
  const session = InferenceSession.create(model.bytes());
  const error: unknown = await session.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Calibr8Error);
  return error as Calibr8Error;
}

const line = (error: Calibr8Error, about: string): string | undefined =>
  error.message.split('\n').find((text) => text.includes(about));

/** A batch normalization of each position by itself, as opset 8 has it. */
function byPosition(m: ModelBuilder, x: Value): Value {
  const parameters = [0, 1, 2, 3].map(() => m.constant([1, 1], [2]));
  return m.node('BatchNormalization', [x, ...parameters], { spatial: 0 });
}

describe('what cannot run is listed at loading, all of it at once', () => {
  test('operators, attributes and modes, one behind the other', async () => {
    for (const shape of [
      [1, 2, 4, 4],
      ['N', 2, null, null],
    ]) {
      const m = new ModelBuilder(13);
      let y = m.node('Sigmod', [m.input('x', shape)]);
      y = byPosition(m, byPosition(m, y));
      y = m.node('Pad', [y, m.constant([0, 0, 1, 1, 0, 0, 1, 1], [8], 'int64')], { mode: 'mirror' });
      const scales = m.constant([1, 1, 2, 2], [4]);
      y = m.node('Resize', [y, undefined, scales], { mode: 'spline' });
      m.output(m.node('NonZero', [m.node('Relu', [y])]), 'int64');
      const error = await refusal(m);
      expect(error.code).toBe('UNSUPPORTED_OPERATOR');
      expect(error.message).toContain('6 things that are not supported');
      expect(line(error, 'Sigmod0')).toMatch(/Sigmod \(opset 13\).*nearest supported form: Sigmoid/);
      expect(line(error, 'Pad')).toMatch(/mode constant, reflect, edge or wrap but received "mirror"/);
      expect(line(error, 'Resize')).toMatch(/mode nearest, linear or cubic but received "spline"/);
      expect(line(error, 'NonZero')).toMatch(/nearest supported form: a network that ends before it/);
      const positions = error.message
        .split('\n')
        .filter((text) => /spatial = 0 is not supported, only 1/.test(text));
      expect(positions).toHaveLength(2);
    }
  });

  test('attributes alone, without an unknown operator', async () => {
    const m = new ModelBuilder(8);
    m.output(byPosition(m, m.node('Relu', [byPosition(m, m.input('x', [1, 2, 1, 1]))])));
    const error = await refusal(m);
    expect(error.message).toMatch(/2 things that are not supported:\n.*BatchNormalization \(opset 8\)/);
  });

  test('operators of other domains name that domain, its version and what is near', async () => {
    const m = new ModelBuilder(17);
    const x = m.input('x', [1, 2]);
    const outputs = ['Gelu', 'FusedAttentionOfMine'].map((op) => {
      const y = m.graph.addValue(`${op}:0`, { dtype: 'float32', shape: [1, 2] });
      m.graph.addNode({ op, domain: 'com.example', name: op, inputs: [x], outputs: [y] });
      return y;
    });
    m.graph.domains.set('com.example', 3);
    for (const y of outputs) m.output(y);
    const error = await refusal(m);
    expect(line(error, '.Gelu')).toMatch(/com\.example\.Gelu \(opset 3\).*: Gelu of ONNX's own operator set/);
    expect(line(error, 'FusedAttentionOfMine')).toMatch(/nearest supported form: ONNX's own operators/);
  });

  test('shapes that depend on data, at two places', async () => {
    const m = new ModelBuilder();
    const shapeOf = (name: string): Value => {
      const greatest = m.node('ReduceMax', [m.input(name, [1, 3, 64, 64])], {
        axes: [0, 1, 2, 3],
        keepdims: 0,
      });
      return m.node('Reshape', [m.node('Cast', [greatest], { to: 7 }), m.constant([1], [1], 'int64')]);
    };
    for (const name of ['a', 'b'])
      m.output(m.node('Relu', [m.node('Reshape', [m.input(`${name}x`, [4]), shapeOf(name)])]), 'float32', [
        null,
      ]);
    const error = await refusal(m);
    expect(error.message).toMatch(/^.*2 things/);
    expect(error.message.match(/depends on the input's values/g)).toHaveLength(2);
  });
});
