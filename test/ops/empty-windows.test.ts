import { expectClose } from '../support/compare';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { count, dense, map } from '../support/reference/dense';
import { relu } from '../support/reference/elements';
import { conv, type WindowSpec } from '../support/reference/window';
import { float32, runModel } from '../support/run';

interface Case extends WindowSpec {
  x: number[];
  w: number[];
}

interface Chain {
  bias: boolean;
  activation: boolean;
}

async function check({ x: xDims, w: wDims, ...windows }: Case, { bias, activation }: Chain): Promise<void> {
  const random = new Random(3);
  const x = dense(xDims, [...random.floats(count(xDims))]);
  const w = dense(wDims, [...random.floats(count(wDims), -0.2, 0.2)]);
  const shift = bias ? random.floats(wDims[0]!, 3, 5) : undefined;
  const product = conv(x, w, shift, windows);
  const r = dense(product.dims, [...random.floats(count(product.dims))]);
  let at = 0;
  const sum = map(product, (real) => real + r.data[at++]!);
  const wanted = activation ? relu(sum) : sum;

  const model = new ModelBuilder();
  const inputs = [model.input('x', xDims), model.constant(w.data, wDims)];
  if (shift) inputs.push(model.constant(shift, [wDims[0]!]));
  const y = model.node('Conv', inputs, {
    ...(windows.strides && { strides: windows.strides }),
    ...(windows.pads && { pads: windows.pads }),
    ...(windows.dilations && { dilations: windows.dilations }),
  });
  const added = model.node('Add', [y, model.input('r', product.dims)]);
  model.output(activation ? model.node('Relu', [added]) : added);
  const [actual] = await runModel(model, { x: float32(x.data, xDims), r: float32(r.data, product.dims) });
  expectClose(actual!, wanted);
}

// oneDNN's kernels for this crash the process, or lose the bias where no function follows.
describe.each<Chain>([
  { bias: false, activation: true },
  { bias: true, activation: true },
  { bias: true, activation: false },
  { bias: false, activation: false },
])('convolutions with a residual and %j, some windows in nothing but padding', (chain) => {
  test.each<[string, Case]>([
    ['rows', { x: [1, 32, 8, 8], w: [32, 32, 2, 3], pads: [2, 1, 2, 1] }],
    ['rows and columns', { x: [2, 64, 9, 9], w: [64, 64, 3, 3], pads: [3, 3, 3, 3] }],
    ['columns', { x: [1, 32, 8, 8], w: [32, 32, 3, 2], pads: [1, 2, 1, 2] }],
    ['strides', { x: [1, 32, 8, 8], w: [32, 32, 3, 3], pads: [4, 1, 4, 1], strides: [2, 2] }],
    [
      'dilated rows around a single one',
      { x: [1, 32, 1, 8], w: [32, 32, 2, 1], pads: [1, 0, 1, 0], dilations: [2, 1] },
    ],
    ['1-D', { x: [1, 32, 10], w: [32, 32, 2], pads: [2, 2] }],
    ['3-D', { x: [1, 32, 4, 5, 5], w: [32, 32, 2, 2, 2], pads: [2, 1, 1, 2, 1, 1] }],
    ['one column of weights', { x: [1, 8, 3, 3], w: [1, 8, 1, 1], pads: [1, 0, 0, 0] }],
  ])('%s', (_, spec) => check(spec, chain));
});
