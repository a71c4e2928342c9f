import type { Value } from '../../lib/graph/graph';
import { expandGates } from '../../lib/passes/expand-gates';
import { fuseGates } from '../../lib/passes/fuse-gates';
import { removeDeadNodes } from '../../lib/passes/remove-dead-nodes';
import { calibrated, isQuantized, noise } from '../calibration/calibrated';
import { expectAgreement, randomTensor } from '../support/agree';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { withSession } from '../support/run';
import { expectSameAnswers, operators, typed } from './support';

type Spelling = (model: ModelBuilder, x: Value) => Value;

const number = (model: ModelBuilder, value: number): Value => model.constant([value], []);

function erf(model: ModelBuilder, x: Value): Value {
  return model.node('Erf', [model.node('Div', [x, number(model, Math.SQRT2)])]);
}

/** As exporters write them, and the operator that each stands for. */
const SPELLINGS: [string, string, Spelling][] = [
  ['Swish', 'x sigmoid(x)', (m, x) => m.node('Mul', [x, m.node('Sigmoid', [x])])],
  ['Swish', 'sigmoid(x) x', (m, x) => m.node('Mul', [m.node('Sigmoid', [x]), x])],
  [
    'Swish',
    'x sigmoid(1.702 x)',
    (m, x) => m.node('Mul', [x, m.node('Sigmoid', [m.node('Mul', [x, number(m, 1.702)])])]),
  ],
  [
    'HardSwish',
    'x clip(x + 3) / 6',
    (m, x) => {
      const clipped = m.node('Clip', [m.node('Add', [x, number(m, 3)]), number(m, 0), number(m, 6)]);
      return m.node('Div', [m.node('Mul', [x, clipped]), number(m, 6)]);
    },
  ],
  [
    'HardSwish',
    'x (clip(3 + x) / 6)',
    (m, x) => {
      const clipped = m.node('Clip', [m.node('Add', [number(m, 3), x]), number(m, 0), number(m, 6)]);
      return m.node('Mul', [x, m.node('Div', [clipped, number(m, 6)])]);
    },
  ],
  [
    'HardSwish',
    'x hardsigmoid(x)',
    (m, x) =>
      m.node('Mul', [x, m.node('HardSigmoid', [x], { alpha: { float: 0.1666667 }, beta: { float: 0.5 } })]),
  ],
  ['Mish', 'x tanh(softplus(x))', (m, x) => m.node('Mul', [x, m.node('Tanh', [m.node('Softplus', [x])])])],
  [
    'Gelu',
    'x (erf(x / sqrt 2) + 1) 0.5',
    (m, x) => {
      const product = m.node('Mul', [x, m.node('Add', [erf(m, x), number(m, 1)])]);
      return m.node('Mul', [product, number(m, 0.5)]);
    },
  ],
  [
    'Gelu',
    '0.5 x (1 + erf(x / sqrt 2))',
    (m, x) => m.node('Mul', [m.node('Mul', [number(m, 0.5), x]), m.node('Add', [number(m, 1), erf(m, x)])]),
  ],
  [
    'Gelu',
    'x (0.5 (1 + erf(x / sqrt 2)))',
    (m, x) => m.node('Mul', [x, m.node('Mul', [number(m, 0.5), m.node('Add', [number(m, 1), erf(m, x)])])]),
  ],
];

describe.each(SPELLINGS)('%s as %s', (op, _, spelling) => {
  const convolution = (model: ModelBuilder, dims: readonly (number | string)[]): Value => {
    const weights = model.constant(new Random(4).floats(8 * 4 * 9, -0.5, 0.5), [8, 4, 3, 3]);
    return model.node('Conv', [model.input('x', dims), weights], { pads: [1, 1, 1, 1] });
  };

  test('is one operator, and the same when it is written out', async () => {
    const model = new ModelBuilder();
    model.output(spelling(model, model.input('x', [2, 40])));
    const graph = await typed(model);
    const run = (): number => {
      const edits = fuseGates.run(graph) + removeDeadNodes.run(graph);
      if (edits > 0) expect(operators(graph)).toEqual([op]);
      expandGates.run(graph);
      return 0;
    };
    await expectSameAnswers(graph, { name: 'there and back', run });
  });

  test('runs in the convolution before it', async () => {
    const model = new ModelBuilder();
    model.output(spelling(model, convolution(model, [1, 4, 6, 6])), 'float32', [1, 8, 6, 6]);
    await expectAgreement(model, { x: randomTensor(new Random(1), 'float32', [1, 4, 6, 6]) });
    await withSession(model, async (session) => {
      const { steps } = await session.info();
      expect(steps.map(({ kernel }) => kernel)).toEqual(['convolution']);
    });
  });

  test('is quantized after it, not before', async () => {
    const model = new ModelBuilder();
    const before = convolution(model, [1, 4, 6, 6]);
    const after = spelling(model, before);
    const weights = model.constant(new Random(5).floats(8 * 8, -0.5, 0.5), [8, 8, 1, 1]);
    model.output(model.node('Conv', [after, weights]), 'float32', [1, 8, 6, 6]);
    const { graph, bytes } = await calibrated(model, noise(4, [1, 4, 6, 6]));
    expect([isQuantized(graph, before), isQuantized(graph, after)]).toEqual([false, true]);
    await withSession(bytes, async (session) => {
      const { steps } = await session.info();
      expect(steps.filter(({ kernel }) => kernel === 'convolution')).toHaveLength(2);
      // Into INT8, the convolutions, and nothing between them.
      expect(steps.filter(({ implementation }) => implementation !== 'none')).toHaveLength(3);
    });
  });
});

test.each<[string, Spelling]>([
  ['x sigmoid(x + 1)', (m, x) => m.node('Mul', [x, m.node('Sigmoid', [m.node('Add', [x, number(m, 1)])])])],
  [
    'x clip(x + 3, 0, 5) / 6',
    (m, x) => {
      const clipped = m.node('Clip', [m.node('Add', [x, number(m, 3)]), number(m, 0), number(m, 5)]);
      return m.node('Div', [m.node('Mul', [x, clipped]), number(m, 6)]);
    },
  ],
  ['x (erf(x / sqrt 2) + 1)', (m, x) => m.node('Mul', [x, m.node('Add', [erf(m, x), number(m, 1)])])],
  ['x tanh(x)', (m, x) => m.node('Mul', [x, m.node('Tanh', [x])])],
])('%s is none of them', async (_, spelling) => {
  const model = new ModelBuilder();
  model.output(spelling(model, model.input('x', [2, 40])));
  expect(fuseGates.run(await typed(model))).toBe(0);
});
