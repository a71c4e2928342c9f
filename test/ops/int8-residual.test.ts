import type { Value } from '../../lib/graph/graph';
import { expectLevels } from '../support/compare';
import { ModelBuilder, type Grid } from '../support/model';
import {
  convAttributes,
  exactConv,
  fittingGrid,
  layerInputs,
  storedLayer,
  storedNumbers,
  storedTensor,
  U8,
} from '../support/quantized-conv';
import { Random } from '../support/random';
import { count, dense } from '../support/reference/dense';
import { binary, relu } from '../support/reference/elements';
import { dequantize, levels, quantize } from '../support/reference/quantization';
import { runModel } from '../support/run';

interface Case {
  x?: readonly number[];
  w?: readonly number[];
  groups?: number;
  rGrid: Grid;
  /** What requantizes the convolution before the sum, if anything does; `saturating` gives it a scale that clips much. */
  middle?: { dtype: 'uint8' | 'int8'; zero: number; saturating?: true };
  relu?: boolean;
  yDtype?: 'uint8' | 'int8';
  yZero?: number;
  residualFirst?: boolean;
  /** The residual is a graph output too, so it must not be overwritten. */
  keepsResidual?: boolean;
}

async function check(spec: Case): Promise<void> {
  const { x: xDims = [2, 17, 6, 5], w = [33, 17, 3, 3], rGrid, middle, yDtype = 'uint8', yZero = 0 } = spec;
  const window = { pads: [1, 1, 1, 1], ...(spec.groups ? { groups: spec.groups } : {}) };
  const yDims = [xDims[0]!, w[0]!, xDims[2]!, xDims[3]!];
  const random = new Random(11);
  const layer = storedLayer(random, { x: xDims, w });
  const data = storedNumbers(random, count(xDims), U8);
  const residual = storedNumbers(random, count(yDims), rGrid);
  const product = exactConv(dense(xDims, data), U8, layer, window);
  const fitting = fittingGrid(product, 'int8', 0).scale as number;
  const scale = Math.fround(middle?.saturating ? fitting / 4 : fitting * 2);
  const middleGrid: Grid | undefined = middle && { dtype: middle.dtype, scale, zero: middle.zero };
  const operand = middleGrid ? dequantize(quantize(product, middleGrid), middleGrid) : product;
  const sum = binary(operand, dequantize(dense(yDims, residual), rGrid), (a, b) => a + b);
  const real = spec.relu ? relu(sum) : sum;
  const yGrid = fittingGrid(sum, yDtype, yZero);

  const model = new ModelBuilder();
  const x = model.dequantize(model.input('x', xDims, U8.dtype), U8);
  const stored = model.input('r', yDims, rGrid.dtype);
  // A max pooling of one element makes the residual a value of the network, which may be written over.
  const made = model.dequantize(
    model.quantize(model.node('MaxPool', [model.dequantize(stored, rGrid)], { kernel_shape: [1, 1] }), rGrid),
    rGrid,
  );
  let conv: Value = model.node('Conv', [x, ...layerInputs(model, layer, U8)], convAttributes(window));
  if (middleGrid) conv = model.requantized(conv, middleGrid);
  let y = model.node('Add', spec.residualFirst ? [made, conv] : [conv, made]);
  if (spec.relu) y = model.node('Relu', [y]);
  model.output(model.quantize(y, yGrid), yDtype);
  if (spec.keepsResidual) model.output(made);
  const feeds = { x: storedTensor(U8, data, xDims), r: storedTensor(rGrid, residual, yDims) };
  const [actual, kept] = await runModel(model, feeds);
  // A fused sum sees the convolution unrounded: at most half a step of the middle grid away from the file's own arithmetic.
  const slack = middleGrid ? (0.5 * scale) / (yGrid.scale as number) : 0;
  expectLevels(actual!, levels(real, yGrid), slack);
  if (kept)
    expect([...kept.data]).toEqual([...dequantize(dense(yDims, residual), rGrid).data].map(Math.fround));
}

const S8: Grid = { dtype: 'int8', scale: 0.05, zero: 0 };

describe('Conv + Add (+ ReLU) + QuantizeLinear in INT8', () => {
  test.each<[string, Case]>([
    ['u8 residual, ReLU, u8 result', { rGrid: { ...U8, scale: 0.05 }, relu: true }],
    ['s8 residual, ReLU, u8 result', { rGrid: S8, relu: true }],
    ['s8 residual, s8 result', { rGrid: S8, yDtype: 'int8' }],
    ['u8 residual, s8 result', { rGrid: { ...U8, scale: 0.05 }, yDtype: 'int8' }],
    ['the residual first', { rGrid: S8, residualFirst: true, relu: true }],
    ['a residual with a zero point', { rGrid: { dtype: 'uint8', scale: 0.05, zero: 128 }, yZero: 100 }],
    [
      'an s8 residual with a zero point',
      { rGrid: { dtype: 'int8', scale: 0.07, zero: -30 }, yDtype: 'int8', yZero: 12 },
    ],
    ['a result with a zero point', { rGrid: S8, yZero: 77, relu: true }],
    ['the residual stays an output', { rGrid: S8, keepsResidual: true, relu: true }],
    ['depthwise', { x: [1, 32, 6, 6], w: [32, 1, 3, 3], groups: 32, rGrid: S8, yDtype: 'int8' }],
    ['16 channels', { x: [1, 16, 5, 5], w: [16, 16, 3, 3], rGrid: S8, relu: true }],
    ['requantized to s8 before the sum', { rGrid: S8, middle: { dtype: 'int8', zero: 0 }, relu: true }],
    [
      'requantized to u8 before the sum, with a zero point',
      { rGrid: S8, middle: { dtype: 'uint8', zero: 128 }, yDtype: 'int8' },
    ],
    [
      'requantized to u8 that cuts off what is negative',
      { rGrid: S8, middle: { dtype: 'uint8', zero: 0 }, yDtype: 'int8' },
    ],
    [
      'requantized to s8 that saturates',
      { rGrid: S8, middle: { dtype: 'int8', zero: 0, saturating: true }, yDtype: 'int8' },
    ],
    [
      'requantized to u8 that saturates, with a zero point',
      { rGrid: S8, middle: { dtype: 'uint8', zero: 100, saturating: true }, relu: true, yZero: 9 },
    ],
  ])('%s', (_, spec) => check(spec));
});
