import { Tensor } from '../../lib/index';
import type { Value } from '../../lib/graph/graph';
import { expectClose, expectLevels } from '../support/compare';
import { ModelBuilder, type AttributeSpec, type Grid } from '../support/model';
import { storedNumbers, storedTensor } from '../support/quantized-conv';
import { Random } from '../support/random';
import { count, dense, type Dense } from '../support/reference/dense';
import { binary, concat, relu } from '../support/reference/elements';
import { dequantize, levels, quantize } from '../support/reference/quantization';
import { globalAverage, pool } from '../support/reference/window';
import { float32, runModel } from '../support/run';

const GRIDS: Grid[] = [
  { dtype: 'uint8', scale: 0.05, zero: 0 },
  { dtype: 'uint8', scale: 0.03, zero: 117 },
  { dtype: 'int8', scale: 0.05, zero: 0 },
  { dtype: 'int8', scale: 0.07, zero: -41 },
];
const named = GRIDS.map((grid) => [`${grid.dtype} with zero point ${grid.zero}`, grid] as const);
const OTHER: Grid = { dtype: 'uint8', scale: 0.0625, zero: 90 };

/** Dequantizes random inputs, applies `append`, quantizes to `yGrid` and compares to the reference's real result. */
async function check(
  inputs: readonly { dims: readonly number[]; grid: Grid }[],
  yGrid: Grid | undefined,
  append: (model: ModelBuilder, values: Value[]) => Value,
  reference: (values: Dense[]) => Dense,
): Promise<void> {
  const random = new Random(inputs.length + count(inputs[0]!.dims));
  const model = new ModelBuilder();
  const feeds: Record<string, Tensor> = {};
  const reals: Dense[] = [];
  const values = inputs.map(({ dims, grid }, index) => {
    const data = storedNumbers(random, count(dims), grid);
    feeds[`x${index}`] = storedTensor(grid, data, dims);
    reals.push(dequantize(dense(dims, data), grid));
    return model.dequantize(model.input(`x${index}`, dims, grid.dtype), grid);
  });
  const y = append(model, values);
  if (yGrid) model.output(model.quantize(y, yGrid), yGrid.dtype);
  else model.output(y);
  const [actual] = await runModel(model, feeds);
  if (yGrid) expectLevels(actual!, levels(reference(reals), yGrid));
  else expectClose(actual!, reference(reals));
}

describe('MaxPool in INT8', () => {
  const attributes = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
  const reference = ([x]: Dense[]): Dense => pool(x!, 'max', [3, 3], attributes);
  test.each(named)('%s', (_, grid) =>
    check([{ dims: [2, 17, 7, 9], grid }], grid, (m, [x]) => m.node('MaxPool', [x], attributes), reference),
  );
  test('to another grid', () =>
    check(
      [{ dims: [1, 16, 8, 8], grid: GRIDS[2]! }],
      OTHER,
      (m, [x]) => m.node('MaxPool', [x], attributes),
      reference,
    ));
  test('to float32', () =>
    check(
      [{ dims: [1, 3, 8, 8], grid: GRIDS[1]! }],
      undefined,
      (m, [x]) => m.node('MaxPool', [x], attributes),
      reference,
    ));
});

describe('average pooling in INT8', () => {
  const targets: [string, Grid | undefined][] = [
    ['its own grid', GRIDS[0]],
    ['another grid', OTHER],
    ['float32', undefined],
  ];
  test.each(
    named.flatMap(([name, grid]) =>
      targets.map(([where, to], index) => [name, where, grid, index === 0 ? grid : to] as const),
    ),
  )('%s to %s', async (_, __, grid, to) => {
    const window = { strides: [2, 2], pads: [0, 1, 1, 1] };
    const attributes = { kernel_shape: [3, 2], ...window };
    for (const [pads, kind] of [
      [0, 'average'],
      [1, 'averageWithPadding'],
    ] as const) {
      await check(
        [{ dims: [2, 17, 7, 8], grid }],
        to,
        (m, [x]) => m.node('AveragePool', [x], { ...attributes, count_include_pad: pads }),
        ([x]) => pool(x!, kind, [3, 2], window),
      );
    }
    await check(
      [{ dims: [2, 33, 7, 7], grid }],
      to,
      (m, [x]) => m.node('GlobalAveragePool', [x]),
      ([x]) => globalAverage(x!),
    );
  });

  test('ceil_mode, counting the padding', () =>
    check(
      [{ dims: [1, 5, 6, 7], grid: GRIDS[1]! }],
      GRIDS[1],
      (m, [x]) =>
        m.node('AveragePool', [x], {
          kernel_shape: [3, 3],
          strides: [2, 2],
          pads: [1, 1, 1, 1],
          ceil_mode: 1,
          count_include_pad: 1,
        }),
      ([x]) => pool(x!, 'averageWithPadding', [3, 3], { strides: [2, 2], pads: [1, 1, 1, 1], ceil: true }),
    ));
});

describe('Add in INT8', () => {
  const sum = ([a, b]: Dense[]): Dense => binary(a!, b!, (x, y) => x + y);
  test.each(named.flatMap(([n, a]) => named.map(([m, b]) => [n, m, a, b] as const)))(
    '%s and %s',
    async (_, __, a, b) => {
      const inputs = [a, b].map((grid) => ({ dims: [2, 17, 5, 3], grid }));
      await check(inputs, OTHER, (m, v) => m.node('Add', v), sum);
      await check(
        inputs,
        { dtype: 'int8', scale: 0.1, zero: 5 },
        (m, v) => m.node('Relu', [m.node('Add', v)]),
        (v) => relu(sum(v)),
      );
    },
  );
  test.each([[[1, 17, 1, 1]], [[17, 1, 1]], [[1]], [[3]]])('broadcasting %p', (dims) =>
    check(
      [
        { dims: [2, 17, 5, 3], grid: GRIDS[2]! },
        { dims, grid: GRIDS[1]! },
      ],
      OTHER,
      (m, v) => m.node('Add', v),
      sum,
    ),
  );
  test('a value added to itself', () =>
    check(
      [{ dims: [1, 5, 3], grid: GRIDS[3]! }],
      OTHER,
      (m, [x]) => m.node('Add', [x, x]),
      ([x]) => sum([x!, x!]),
    ));
});

describe('operators that move values, in INT8', () => {
  const moves: [string, (m: ModelBuilder, x: Value) => Value][] = [
    ['Reshape', (m, x) => m.node('Reshape', [x, m.constant([2, -1], [2], 'int64')])],
    ['Flatten', (m, x) => m.node('Flatten', [x])],
    ['Transpose', (m, x) => m.node('Transpose', [x], { perm: [0, 3, 1, 2] })],
    ['Slice', (m, x) => m.node('Slice', [x, ...[[1], [16], [1]].map((l) => m.constant(l, [1], 'int64'))])],
  ];
  test.each(moves.flatMap(([name, append]) => named.map(([g, grid]) => [name, g, grid, append] as const)))(
    '%s of %s moves the very numbers',
    async (_, __, grid, append) => {
      const dims = [2, 17, 5, 3];
      const data = new Random(2).floats(count(dims));
      const plain = new ModelBuilder();
      plain.output(append(plain, plain.input('x', dims)));
      const [moved] = await runModel(plain, { x: float32(data, dims) });
      const model = new ModelBuilder();
      const x = model.requantized(model.input('x', dims), grid);
      model.output(model.quantize(append(model, x), grid), grid.dtype);
      const [y] = await runModel(model, { x: float32(data, dims) });
      const wanted = quantize(dense(moved!.dims, moved!.data as Float32Array), grid);
      expect([...y!.dims]).toEqual([...wanted.dims]);
      expectLevels(y!, wanted);
    },
  );

  test.each(named)('Concat of %s', (_, grid) =>
    check(
      [3, 17, 1].map((c) => ({ dims: [2, c, 5, 3], grid })),
      grid,
      (m, v) => m.node('Concat', v, { axis: 1 }),
      (v) => concat(v, 1),
    ),
  );
  test('Concat of different grids', () =>
    check(
      GRIDS.map((grid, i) => ({ dims: [2, i + 2, 4, 3], grid })),
      OTHER,
      (m, v) => m.node('Concat', v, { axis: 1 }),
      (v) => concat(v, 1),
    ));
  test.each([0, 2, 3])('Concat along axis %i', (axis) =>
    check(
      [2, 3].map((size) => ({ dims: [2, 16, 4, 3].with(axis, size), grid: GRIDS[3]! })),
      GRIDS[3],
      (m, v) => m.node('Concat', v, { axis }),
      (v) => concat(v, axis),
    ),
  );
});

describe('QuantizeLinear and DequantizeLinear', () => {
  test.each(named)('%s: ties go to even, values saturate', async (_, grid) => {
    const step = 0.25;
    const exact: Grid = { ...grid, scale: step };
    const numbers = [-1e9, -128.5, -2.5, -1.5, -0.5, 0, 0.5, 1.5, 2.5, 100.5, 300, 1e9, Infinity, -Infinity];
    const data = numbers.map((x) => x * step);
    const model = new ModelBuilder();
    model.output(model.quantize(model.input('x', [data.length]), exact), exact.dtype);
    const [y] = await runModel(model, { x: float32(data, [data.length]) });
    expect([...y!.data]).toEqual([...quantize(dense([data.length], data), exact).data]);
  });

  test('scales a channel, both ways', async () => {
    const grid: Grid = { dtype: 'int8', scale: [0.5, 0.25, 2], zero: 0, axis: 1 };
    const model = new ModelBuilder();
    const x = model.input('x', [2, 3, 2]);
    model.output(model.requantized(x, grid));
    const data = [1, 1.4, 1, 1.3, 5, 4.9, -100, 100, 0.2, -0.2, 300, -300];
    const [y] = await runModel(model, { x: float32(data, [2, 3, 2]) });
    expect([...y!.data]).toEqual([1, 1.5, 1, 1.25, 4, 4, -64, 63.5, 0.25, -0.25, 254, -256]);
  });

  test('a chain of different grids rounds at each', async () => {
    const [fine, coarse]: [Grid, Grid] = [
      { dtype: 'uint8', scale: 0.25, zero: 3 },
      { dtype: 'int8', scale: 1, zero: -7 },
    ];
    const attributes: Record<string, AttributeSpec> = {};
    const model = new ModelBuilder();
    const y = model.requantized(model.requantized(model.input('x', [6]), fine), coarse);
    model.output(model.node('Identity', [y], attributes));
    const data = [0.4, 0.45, 0.6, 1.4, -5, 500];
    const [actual] = await runModel(model, { x: float32(data, [6]) });
    const once = dequantize(quantize(dense([6], data), fine), fine);
    expect([...actual!.data]).toEqual([...dequantize(quantize(once, coarse), coarse).data]);
  });
});
