import { expectClose } from '../support/compare';
import { ModelBuilder, type AttributeSpec } from '../support/model';
import { Random } from '../support/random';
import { count, dense, map } from '../support/reference/dense';
import { batchNorm, binary, concat, softmax } from '../support/reference/elements';
import { matmul } from '../support/reference/linear';
import { resize } from '../support/reference/resampling';
import { float32, runModel } from '../support/run';

describe('binary operators broadcast as numpy does', () => {
  const operators: [string, (a: number, b: number) => number][] = [
    ['Add', (a, b) => a + b],
    ['Sub', (a, b) => a - b],
    ['Mul', (a, b) => a * b],
    ['Div', (a, b) => a / b],
    ['Max', Math.max],
    ['Min', Math.min],
  ];
  const shapes: [number[], number[]][] = [
    [
      [2, 17, 5, 3],
      [2, 17, 5, 3],
    ],
    [
      [2, 17, 5, 3],
      [17, 1, 1],
    ],
    [[2, 17, 5, 3], [1]],
    [[2, 17, 5, 3], []],
    [
      [17, 1, 1],
      [2, 17, 5, 3],
    ],
    [
      [5, 1, 3],
      [2, 1, 4, 1],
    ],
    [
      [1, 3],
      [3, 1],
    ],
    [[33], [33]],
    [
      [2, 3, 4, 5, 6],
      [5, 1],
    ],
  ];
  test.each(operators)('%s', async (op, apply) => {
    for (const [aDims, bDims] of shapes) {
      const random = new Random(count(aDims) + count(bDims));
      const [a, b] = [random.floats(count(aDims)), random.floats(count(bDims), 0.5, 2)];
      const model = new ModelBuilder();
      model.output(model.node(op, [model.input('a', aDims), model.input('b', bDims)]));
      const [y] = await runModel(model, { a: float32(a, aDims), b: float32(b, bDims) });
      expectClose(y!, binary(dense(aDims, a), dense(bDims, b), apply), 1e-6);
    }
  });

  test('Sum, Max and Min of three', async () => {
    const random = new Random(1);
    const parts = [0, 1, 2].map(() => random.floats(12));
    for (const [op, apply] of [
      ['Sum', (a: number, b: number) => a + b],
      ['Max', Math.max],
      ['Min', Math.min],
    ] as const) {
      const model = new ModelBuilder();
      model.output(
        model.node(
          op,
          ['a', 'b', 'c'].map((name) => model.input(name, [3, 4])),
        ),
      );
      const feeds = Object.fromEntries(['a', 'b', 'c'].map((n, i) => [n, float32(parts[i]!, [3, 4])]));
      const [y] = await runModel(model, feeds);
      const [a, b, c] = parts.map((part) => dense([3, 4], part)) as [
        ReturnType<typeof dense>,
        ReturnType<typeof dense>,
        ReturnType<typeof dense>,
      ];
      expectClose(y!, binary(binary(a, b, apply), c, apply), 1e-6);
    }
  });
});

describe('element-wise functions', () => {
  const erf = (x: number): number => {
    // The series converges quickly for the small x of this test.
    let [term, sum] = [x, x];
    for (let n = 1; n < 60; ++n) {
      term *= -(x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  };
  const functions: [string, (x: number) => number, Record<string, AttributeSpec>?][] = [
    ['Relu', (x) => Math.max(x, 0)],
    ['LeakyRelu', (x) => (x < 0 ? x * 0.25 : x), { alpha: { float: 0.25 } }],
    ['Sigmoid', (x) => 1 / (1 + Math.exp(-x))],
    ['Tanh', Math.tanh],
    ['Exp', Math.exp],
    ['Abs', Math.abs],
    ['Neg', (x) => -x],
    ['Elu', (x) => (x < 0 ? 0.5 * Math.expm1(x) : x), { alpha: { float: 0.5 } }],
    ['Softplus', (x) => Math.log1p(Math.exp(x))],
    ['HardSwish', (x) => x * Math.min(Math.max(x / 6 + 0.5, 0), 1)],
    ['HardSigmoid', (x) => Math.min(Math.max(0.25 * x + 0.5, 0), 1), { alpha: { float: 0.25 } }],
    ['Mish', (x) => x * Math.tanh(Math.log1p(Math.exp(x)))],
    ['Gelu', (x) => 0.5 * x * (1 + erf(x / Math.SQRT2))],
    [
      'Gelu',
      (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
      { approximate: 'tanh' },
    ],
  ];
  test.each(functions)('%s', async (...[op, apply, attributes]) => {
    const dims = [2, 17, 3];
    const data = new Random(9).floats(count(dims), -4, 4);
    const model = new ModelBuilder(22);
    model.output(model.node(op, [model.input('x', dims)], attributes));
    const [y] = await runModel(model, { x: float32(data, dims) });
    expectClose(y!, map(dense(dims, data), apply), 1e-6);
  });

  test.each<[string, (x: number) => number]>([
    ['Sqrt', Math.sqrt],
    ['Log', Math.log],
    ['Reciprocal', (x) => 1 / x],
  ])('%s of positive numbers', async (op, apply) => {
    const data = new Random(9).floats(33, 0.1, 9);
    const model = new ModelBuilder();
    model.output(model.node(op, [model.input('x', [33])]));
    const [y] = await runModel(model, { x: float32(data, [33]) });
    expectClose(y!, map(dense([33], data), apply));
  });

  test('batch normalization that follows no convolution', async () => {
    const random = new Random(4);
    const dims = [2, 17, 3, 3];
    const data = random.floats(count(dims));
    const [gamma, beta, mean] = [0, 1, 2].map(() => [...random.floats(17)]) as [number[], number[], number[]];
    const variance = [...random.floats(17, 0.1, 2)];
    const model = new ModelBuilder();
    const parameters = [gamma, beta, mean, variance].map((list) => model.constant(list, [17]));
    model.output(model.node('BatchNormalization', [model.input('x', dims), ...parameters]));
    const [y] = await runModel(model, { x: float32(data, dims) });
    expectClose(y!, batchNorm(dense(dims, data), [gamma, beta, mean, variance], 1e-5));
  });
});

describe('Softmax', () => {
  test.each([
    [[2, 10], 1],
    [[2, 10], 0],
    [[2, 17, 5], 1],
    [[2, 3, 4, 33], -1],
    [[1, 1], 1],
    [[1000], 0],
  ])('%p along axis %i', async (dims, axis) => {
    const data = new Random(count(dims)).floats(count(dims), -20, 20);
    const model = new ModelBuilder();
    const x = model.input('x', dims);
    model.output(model.node('Softmax', [x], { axis })).output(model.node('LogSoftmax', [x], { axis }));
    const [y, log] = await runModel(model, { x: float32(data, dims) });
    const exact = softmax(dense(dims, data), axis < 0 ? axis + dims.length : axis);
    expectClose(y!, exact, 1e-6);
    expectClose(log!, map(exact, Math.log));
  });

  test('before opset 13 everything from the axis on is one row', async () => {
    const data = new Random(3).floats(24);
    const model = new ModelBuilder(11);
    model.output(model.node('Softmax', [model.input('x', [2, 3, 4])]));
    const [y] = await runModel(model, { x: float32(data, [2, 3, 4]) });
    expectClose(y!, { dims: [2, 3, 4], data: softmax(dense([2, 12], data), 1).data }, 1e-6);
  });

  test('large numbers do not overflow', async () => {
    const model = new ModelBuilder();
    model.output(model.node('Softmax', [model.input('x', [1, 3])]));
    const [y] = await runModel(model, { x: float32([1e30, 1e30, -1e30], [1, 3]) });
    expect([...y!.data]).toEqual([0.5, 0.5, 0]);
  });
});

describe('Concat, MatMul and Resize in float32', () => {
  test.each([0, 1, 2, 3, -1])('Concat along axis %i', async (axis) => {
    const at = axis < 0 ? axis + 4 : axis;
    const parts = [3, 1, 5].map((size) => [2, 17, 4, 3].with(at, size));
    const data = parts.map((dims, i) => new Random(i).floats(count(dims)));
    const model = new ModelBuilder();
    model.output(
      model.node(
        'Concat',
        parts.map((dims, i) => model.input(`x${i}`, dims)),
        { axis },
      ),
    );
    const feeds = Object.fromEntries(parts.map((dims, i) => [`x${i}`, float32(data[i]!, dims)]));
    const [y] = await runModel(model, feeds);
    expectClose(
      y!,
      concat(
        parts.map((dims, i) => dense(dims, data[i])),
        at,
      ),
      0,
    );
  });

  test.each([
    [
      [3, 5],
      [5, 7],
    ],
    [
      [2, 3, 5],
      [2, 5, 4],
    ],
    [
      [2, 3, 5],
      [5, 4],
    ],
    [
      [4, 1, 3, 5],
      [2, 5, 1],
    ],
    [
      [1, 33],
      [33, 1],
    ],
    [
      [7, 64],
      [64, 17],
    ],
  ])('MatMul of computed %p and %p', async (aDims, bDims) => {
    const random = new Random(8);
    const [a, b] = [random.floats(count(aDims)), random.floats(count(bDims))];
    const wanted = matmul(dense(aDims, a), dense(bDims, b));
    for (const constant of [false, true]) {
      const model = new ModelBuilder();
      const right = constant ? model.constant(b, bDims) : model.input('b', bDims);
      model.output(model.node('MatMul', [model.input('a', aDims), right]));
      const [y] = await runModel(model, {
        a: float32(a, aDims),
        ...(constant ? {} : { b: float32(b, bDims) }),
      });
      expectClose(y!, wanted);
    }
  });

  test.each<['nearest' | 'linear', number[], number[]]>([
    ['nearest', [1, 3, 4, 5], [2, 2]],
    ['nearest', [2, 17, 3, 3], [3, 1]],
    ['nearest', [1, 5, 7], [2]],
    ['linear', [1, 3, 4, 5], [2, 2]],
    ['linear', [1, 17, 6, 6], [0.5, 0.5]],
    ['linear', [2, 4, 6, 3], [1.5, 3]],
  ])('Resize %s %p by %p', async (mode, dims, factors) => {
    const data = new Random(6).floats(count(dims));
    const model = new ModelBuilder();
    const scales = model.constant([1, 1, ...factors], [dims.length]);
    model.output(model.node('Resize', [model.input('x', dims), undefined, scales], { mode }));
    const [y] = await runModel(model, { x: float32(data, dims) });
    expectClose(y!, resize(dense(dims, data), factors, mode), 1e-6);
  });
});

test.each([
  ['Sum', (a: number, b: number) => a + b],
  ['Max', Math.max],
  ['Min', Math.min],
])('%s of three where only the last one has the full shape', async (op, apply) => {
  const shapes = [[1, 3], [3], [2, 1]];
  const data = [
    [1, -2, 3],
    [5, 0, -4],
    [2, -1],
  ];
  const model = new ModelBuilder();
  model.output(
    model.node(
      op,
      shapes.map((shape, i) => model.input(`x${i}`, shape)),
    ),
  );
  const feeds = Object.fromEntries(shapes.map((shape, i) => [`x${i}`, float32(data[i]!, shape)]));
  const [y] = await runModel(model, feeds);
  const [a, b, c] = shapes.map((shape, i) => dense(shape, data[i]!));
  expectClose(y!, binary(binary(a!, b!, apply), c!, apply), 1e-6);
});

test('Clip whose min exceeds its max gives max', async () => {
  const model = new ModelBuilder();
  model.output(
    model.node('Clip', [model.input('x', [3]), model.constant([1], []), model.constant([-1], [])]),
  );
  const [y] = await runModel(model, { x: float32([-2, 0, 2], [3]) });
  expect([...y!.data]).toEqual([-1, -1, -1]);
});
