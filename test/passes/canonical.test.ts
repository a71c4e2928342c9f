import { canonicalizeGemm } from '../../lib/passes/canonicalize-gemm';
import { Constant } from '../../lib/graph/constant';
import { foldBatchNorm } from '../../lib/passes/fold-batch-norm';
import { inferAndFold } from '../../lib/passes/infer-and-fold';
import { removeDeadNodes } from '../../lib/passes/remove-dead-nodes';
import { removeIdentities } from '../../lib/passes/remove-identities';
import type { Value } from '../../lib/graph/graph';
import { readModel } from '../../lib/onnx';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { expectSameAnswers, operators, typed } from './support';

const random = new Random(2);

function batchNorm(
  model: ModelBuilder,
  x: Value,
  channels: number,
  variance = random.floats(channels, 0.1, 2),
): Value {
  const parameters = [random.floats(channels), random.floats(channels), random.floats(channels), variance];
  return model.node('BatchNormalization', [x, ...parameters.map((list) => model.constant(list, [channels]))]);
}

describe('fold-batch-norm', () => {
  const conv = (model: ModelBuilder, bias: boolean): Value =>
    model.node('Conv', [
      model.input('x', ['n', 3, 6, 5]),
      model.constant(random.floats(5 * 3 * 9), [5, 3, 3, 3]),
      ...(bias ? [model.constant(random.floats(5), [5])] : []),
    ]);

  test.each([true, false])('into a convolution (bias: %p)', async (bias) => {
    const model = new ModelBuilder();
    model.output(batchNorm(model, conv(model, bias), 5));
    const graph = await typed(model);
    expect(await expectSameAnswers(graph, foldBatchNorm)).toBe(1);
    expect(operators(graph)).toEqual(['Conv']);
  });

  test.each([0, 1, 2, 3])('into many weights, bytes of a model that begin %i after a word', async (shift) => {
    const model = new ModelBuilder();
    const w = model.constant(random.floats(70 * 50 * 9, -0.05, 0.05), [70, 50, 3, 3]);
    const bytes = new Uint8Array(w.constant!.bytes.length + shift).fill(7);
    bytes.set(w.constant!.bytes, shift);
    const graph = await typed(
      model.output(batchNorm(model, model.node('Conv', [model.input('x', ['n', 50, 4, 4]), w]), 70)),
    );
    const [value] = [...graph.values()].filter(({ constant }) => constant?.count === w.constant!.count);
    value!.constant = new Constant('float32', w.constant!.dims, bytes.subarray(shift));
    expect(await expectSameAnswers(graph, foldBatchNorm)).toBe(1);
  });

  test('with variances near zero', async () => {
    const model = new ModelBuilder();
    model.output(batchNorm(model, conv(model, true), 5, Float32Array.of(0, 1e-12, 1e-5, 1, 1e4)));
    expect(await expectSameAnswers(await typed(model), foldBatchNorm)).toBe(1);
  });

  test.each([0, 1])('into a Gemm with transB = %i', async (transB) => {
    const model = new ModelBuilder();
    const w = model.constant(random.floats(28), transB ? [4, 7] : [7, 4]);
    const y = model.node('Gemm', [model.input('x', ['n', 7]), w, model.constant(random.floats(4), [4])], {
      transB,
    });
    model.output(batchNorm(model, y, 4));
    const graph = await typed(model);
    expect(await expectSameAnswers(graph, foldBatchNorm)).toBe(1);
    expect(operators(graph)).toEqual(['Gemm']);
  });

  test.each(['Add', 'Sub', 'Mul', 'Div'])('%s of a constant for each channel, or of one', async (op) => {
    for (const dims of [[5, 1, 1], [1, 5, 1, 1], [1], []]) {
      const model = new ModelBuilder();
      const size = dims.reduce((a, b) => a * b, 1);
      const constant = model.constant(random.floats(size, 0.5, 2), dims);
      model.output(model.node(op, [conv(model, true), constant]));
      const graph = await typed(model);
      expect(await expectSameAnswers(graph, foldBatchNorm)).toBe(1);
      expect(operators(graph)).toEqual(['Conv']);
    }
  });

  test.each([
    ['Add', 1],
    ['Sub', 1],
    ['Mul', 1],
    ['Div', 0],
  ] as const)('a constant %s the result folds %i times', async (op, times) => {
    const model = new ModelBuilder();
    model.output(model.node(op, [model.constant(random.floats(5, 0.5, 2), [5, 1, 1]), conv(model, false)]));
    expect(await expectSameAnswers(await typed(model), foldBatchNorm)).toBe(times);
  });

  test('factors of a MatMul, which has no place for a bias', async () => {
    const model = new ModelBuilder();
    const product = model.node('MatMul', [
      model.input('x', ['n', 3, 4]),
      model.constant(random.floats(20), [4, 5]),
    ]);
    const scaled = model.node('Mul', [product, model.constant(random.floats(5), [5])]);
    model.output(model.node('Add', [scaled, model.constant(random.floats(5), [5])]));
    const graph = await typed(model);
    expect(await expectSameAnswers(graph, foldBatchNorm)).toBe(1);
    expect(operators(graph)).toEqual(['MatMul', 'Add']);
  });

  test.each([
    ['positions', [1, 1, 4, 1]],
    ['more dimensions', [2, 1, 1, 1, 1]],
    ['channels and positions', [5, 4, 1]],
  ])('not arithmetic with constants for %s', async (_, dims) => {
    const model = new ModelBuilder();
    const size = dims.reduce((a, b) => a * b, 1);
    model.output(model.node('Add', [conv(model, true), model.constant(random.floats(size), dims)]));
    expect(await expectSameAnswers(await typed(model), foldBatchNorm)).toBe(0);
  });

  test('two in a row', async () => {
    const model = new ModelBuilder();
    model.output(batchNorm(model, batchNorm(model, conv(model, true), 5), 5));
    const graph = await typed(model);
    expect(await expectSameAnswers(graph, foldBatchNorm)).toBe(2);
  });

  test('weights that two convolutions share stay as they are for the other', async () => {
    const model = new ModelBuilder();
    const x = model.input('x', ['n', 3, 6, 5]);
    const w = model.constant(random.floats(5 * 3 * 9), [5, 3, 3, 3]);
    model.output(batchNorm(model, model.node('Conv', [x, w]), 5)).output(model.node('Conv', [x, w]));
    expect(await expectSameAnswers(await typed(model), foldBatchNorm)).toBe(1);
  });

  test.each<[string, (model: ModelBuilder) => void]>([
    [
      'a convolution that others read too',
      (model) => {
        const y = conv(model, true);
        model.output(batchNorm(model, y, 5)).output(model.node('Relu', [y]));
      },
    ],
    [
      'a convolution that is an output',
      (model) => {
        const y = conv(model, true);
        model.output(batchNorm(model, y, 5)).output(y);
      },
    ],
    [
      'what is no convolution',
      (model) => void model.output(batchNorm(model, model.input('x', ['n', 5, 3]), 5)),
    ],
  ])('leaves %s alone', async (_, compose) => {
    const model = new ModelBuilder();
    compose(model);
    expect(await expectSameAnswers(await typed(model), foldBatchNorm)).toBe(0);
  });
});

describe('canonicalize-gemm', () => {
  const cases: [string, (model: ModelBuilder) => Value, string[]][] = [
    [
      'alpha and beta move into the constants',
      (m) =>
        m.node(
          'Gemm',
          [m.input('x', ['n', 4]), m.constant(random.floats(12), [4, 3]), m.constant([1, 2, 3], [3])],
          {
            alpha: { float: 0.5 },
            beta: { float: 2 },
          },
        ),
      ['Gemm'],
    ],
    [
      'a bias of one row, or of one element',
      (m) => {
        const y = m.node('Gemm', [
          m.input('x', ['n', 4]),
          m.constant(random.floats(12), [4, 3]),
          m.constant([1, 2, 3], [1, 3]),
        ]);
        return m.node('Gemm', [y, m.constant(random.floats(6), [3, 2]), m.constant([0.5], [])]);
      },
      ['Gemm', 'Gemm'],
    ],
    [
      'transA stays',
      (m) =>
        m.node(
          'Gemm',
          [m.input('x', [4, 5]), m.constant(random.floats(12), [3, 4]), m.constant([1, 2, 3], [3])],
          {
            transA: 1,
            transB: 1,
            beta: { float: 3 },
          },
        ),
      ['Gemm'],
    ],
    [
      'MatMul and Add become Gemm',
      (m) =>
        m.node('Add', [
          m.node('MatMul', [m.input('x', ['n', 4]), m.constant(random.floats(12), [4, 3])]),
          m.constant([1, 2, 3], [3]),
        ]),
      ['Gemm'],
    ],
    [
      'the bias first',
      (m) =>
        m.node('Add', [
          m.constant([7], [1]),
          m.node('MatMul', [m.input('x', ['n', 4]), m.constant(random.floats(12), [4, 3])]),
        ]),
      ['Gemm'],
    ],
  ];
  test.each(cases)('%s', async (_, compose, wanted) => {
    const model = new ModelBuilder();
    model.output(compose(model));
    const graph = await typed(model);
    expect(await expectSameAnswers(graph, canonicalizeGemm)).toBeGreaterThan(0);
    expect(operators(graph)).toEqual(wanted);
  });

  test.each<[string, (m: ModelBuilder) => Value]>([
    [
      'a bias that differs from row to row',
      (m) =>
        m.node('Add', [
          m.node('MatMul', [m.input('x', [2, 4]), m.constant(random.floats(12), [4, 3])]),
          m.constant(random.floats(6), [2, 3]),
        ]),
    ],
    [
      'an Add that widens the product',
      (m) =>
        m.node('Add', [
          m.node('MatMul', [m.input('x', [2, 4]), m.constant(random.floats(4), [4, 1])]),
          m.constant([1, 2, 3], [3]),
        ]),
    ],
    [
      'an Add of three axes',
      (m) =>
        m.node('Add', [
          m.node('MatMul', [m.input('x', [2, 4]), m.constant(random.floats(12), [4, 3])]),
          m.constant([1, 2, 3], [1, 1, 3]),
        ]),
    ],
    [
      'weights that are computed',
      (m) =>
        m.node('Gemm', [m.input('x', [2, 4]), m.input('w', [4, 3]), m.constant([1, 2, 3], [3])], {
          alpha: { float: 2 },
        }),
    ],
  ])('leaves %s alone', async (_, compose) => {
    const model = new ModelBuilder();
    model.output(compose(model));
    expect(await expectSameAnswers(await typed(model), canonicalizeGemm)).toBe(0);
  });
});

describe('remove-identities', () => {
  test('Identity, Dropout, Reshape and Flatten to the same shape', async () => {
    const model = new ModelBuilder(12);
    let y = model.node('Relu', [model.input('x', [2, 6])]);
    y = model.node('Dropout', [model.node('Identity', [y])]);
    y = model.node('Reshape', [y, model.constant([2, -1], [2], 'int64')]);
    model.output(model.node('Tanh', [model.node('Flatten', [y])]));
    const graph = await typed(model);
    expect(await expectSameAnswers(graph, removeIdentities)).toBe(4);
    expect(operators(graph)).toEqual(['Relu', 'Tanh']);
  });

  test('an output keeps its name', async () => {
    const model = new ModelBuilder();
    const y = model.node('Identity', [model.node('Relu', [model.input('x', [2])])]);
    model.output(y);
    const graph = await typed(model);
    expect(await expectSameAnswers(graph, removeIdentities)).toBe(1);
    expect(graph.outputs[0]!.name).toBe(y.name);
  });

  test('between an input and an output, or two outputs, an Identity stays', async () => {
    const model = new ModelBuilder();
    const x = model.input('x', [2]);
    const y = model.node('Relu', [x]);
    model
      .output(model.node('Identity', [x]))
      .output(y)
      .output(model.node('Identity', [y]));
    expect(await expectSameAnswers(await typed(model), removeIdentities)).toBe(0);
  });
});

describe('infer-and-fold', () => {
  test('shape arithmetic vanishes', async () => {
    const model = new ModelBuilder();
    const x = model.input('x', [2, 3, 4]);
    const size = model.node('Gather', [model.node('Shape', [x]), model.constant([0], [], 'int64')]);
    const first = model.node('Unsqueeze', [size, model.constant([0], [1], 'int64')]);
    const target = model.node('Concat', [first, model.constant([-1], [1], 'int64')], { axis: 0 });
    model.output(model.node('Reshape', [model.node('Relu', [x]), target]));
    const graph = await readModel(model.bytes());
    expect(await expectSameAnswers(graph, inferAndFold, 0)).toBe(4);
    expect(operators(graph)).toEqual(['Relu', 'Reshape']);
    expect(graph.outputs[0]!.shape).toEqual([2, 12]);
  });

  test('a batch symbol survives', async () => {
    const model = new ModelBuilder();
    const x = model.input('x', ['n', 3, 4, 4]);
    const conv = model.node('Conv', [x, model.constant(random.floats(6), [2, 3, 1, 1])]);
    const flat = model.node('Flatten', [model.node('GlobalAveragePool', [conv])]);
    model.output(model.node('Gemm', [flat, model.constant(random.floats(6), [2, 3])]));
    expect((await typed(model)).outputs[0]!.shape).toEqual(['n', 3]);
  });

  test.each<[string, string, (a: number, b: number) => number]>([
    ['Add', 'float32', (a, b) => a + b],
    ['Mul', 'float32', (a, b) => a * b],
    ['Sub', 'int64', (a, b) => a - b],
    ['Div', 'int64', (a, b) => Math.trunc(a / b)],
  ])('%s of %s constants', async (op, dtype, apply) => {
    const [a, b] = [
      [7, -9, 12],
      [2, 4, -5],
    ] as const;
    const model = new ModelBuilder();
    const type = dtype as 'float32';
    model.output(model.node(op, [model.constant(a, [3], type), model.constant(b, [3], type)]), type);
    const graph = await typed(model);
    expect(graph.nodes.size).toBe(0);
    expect(graph.outputs[0]!.constant!.toNumbers()).toEqual(a.map((x, i) => apply(x, b[i]!)));
  });
});

test('remove-dead-nodes removes chains that nobody reads, and only those', async () => {
  const model = new ModelBuilder();
  const x = model.input('x', [2]);
  const y = model.node('Relu', [x]);
  model.node('Exp', [model.node('Tanh', [y])]);
  model.output(y);
  const graph = await typed(model);
  expect(await expectSameAnswers(graph, removeDeadNodes)).toBe(2);
  expect(operators(graph)).toEqual(['Relu']);
});
