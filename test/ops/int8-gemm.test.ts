import type { Value } from '../../lib/graph/graph';
import { expectClose, expectLevels } from '../support/compare';
import { ModelBuilder, type Grid } from '../support/model';
import { fittingGrid, layerInputs, storedNumbers, storedTensor, U8 } from '../support/quantized-conv';
import { Random } from '../support/random';
import { count, dense } from '../support/reference/dense';
import { relu } from '../support/reference/elements';
import { matmul, transpose } from '../support/reference/linear';
import { integerLayer, levels } from '../support/reference/quantization';
import { runModel } from '../support/run';

interface Case {
  op?: 'Gemm' | 'MatMul';
  x?: readonly number[];
  columns?: number;
  transB?: boolean;
  bias?: boolean;
  xGrid?: Grid;
  perTensor?: boolean;
  relu?: boolean;
  y?: 'float32' | 'uint8' | 'int8';
  yZero?: number;
}

/** Gemm, or MatMul with its bias added by an Add. */
function product(model: ModelBuilder, op: string, inputs: Value[], transB: boolean): Value {
  if (op === 'Gemm') return model.node('Gemm', inputs, transB ? { transB: 1 } : {});
  const y = model.node('MatMul', inputs.slice(0, 2));
  return inputs[2] ? model.node('Add', [y, inputs[2]]) : y;
}

async function check(spec: Case): Promise<void> {
  const { op = 'Gemm', x = [2, 64], columns = 10, xGrid = U8, bias = true, y: yType = 'float32' } = spec;
  const random = new Random(19 + columns);
  const k = x[x.length - 1]!;
  const data = storedNumbers(random, count(x), xGrid);
  const w = dense([k, columns], random.ints(k * columns, -127, 127));
  const scale = spec.perTensor ? 0.01 : Array.from({ length: columns }, () => 0.002 + random.next() * 0.02);
  const shift = bias ? random.ints(columns, -20000, 20000) : undefined;
  const channelAxis = spec.transB ? 0 : 1;
  const wGrid: Grid = { dtype: 'int8', scale, zero: 0, ...(spec.perTensor ? {} : { axis: channelAxis }) };
  const options = { x: dense(x, data), xGrid, w, wGrid, bias: shift, channelAxis: x.length - 1 };
  const exact = integerLayer({ ...options, accumulate: matmul });
  const real = spec.relu ? relu(exact) : exact;

  const model = new ModelBuilder();
  const stored = spec.transB ? transpose(w, [1, 0]) : w;
  const layer = { w: stored, wGrid, bias: shift };
  const input = model.dequantize(model.input('x', x, xGrid.dtype), xGrid);
  let y = product(model, op, [input, ...layerInputs(model, layer, xGrid)], spec.transB === true);
  if (spec.relu) y = model.node('Relu', [y]);
  const yGrid = yType === 'float32' ? undefined : fittingGrid(exact, yType, spec.yZero ?? 0);
  if (yGrid) model.output(model.quantize(y, yGrid), yGrid.dtype);
  else model.output(y);
  const [actual] = await runModel(model, { x: storedTensor(xGrid, data, x) });
  if (yGrid) expectLevels(actual!, levels(real, yGrid));
  else expectClose(actual!, real);
}

describe('Gemm and MatMul in INT8 equal exact arithmetic', () => {
  test.each<[string, Case]>([
    ['Gemm to float32', {}],
    ['Gemm to s8', { y: 'int8' }],
    ['Gemm to u8 with ReLU', { y: 'uint8', relu: true }],
    ['Gemm to u8 with a zero point', { y: 'uint8', yZero: 99 }],
    ['Gemm, weights transposed', { transB: true }],
    ['Gemm, weights transposed, to s8', { transB: true, y: 'int8' }],
    ['Gemm without bias', { bias: false }],
    ['Gemm, s8 source', { xGrid: { dtype: 'int8', scale: 0.04, zero: 0 }, y: 'int8' }],
    ['Gemm, source with a zero point', { xGrid: { dtype: 'uint8', scale: 0.04, zero: 131 } }],
    [
      'Gemm, s8 source with a zero point, to u8',
      { xGrid: { dtype: 'int8', scale: 0.04, zero: -9 }, y: 'uint8', yZero: 128 },
    ],
    ['Gemm, one scale for all weights', { perTensor: true, y: 'int8' }],
    ['Gemm, batch 1, 1000 columns', { x: [1, 128], columns: 1000, transB: true }],
    ['Gemm, batch 7, odd sizes', { x: [7, 33], columns: 17, y: 'int8' }],
    ['Gemm, one column', { x: [3, 5], columns: 1 }],
    ['Gemm of one element', { x: [1, 1], columns: 1, y: 'int8' }],
    ['MatMul to float32', { op: 'MatMul', bias: false }],
    ['MatMul to s8', { op: 'MatMul', bias: false, y: 'int8' }],
    ['MatMul and Add', { op: 'MatMul' }],
    ['MatMul and Add to u8 with ReLU', { op: 'MatMul', y: 'uint8', relu: true }],
    ['MatMul of three axes', { op: 'MatMul', x: [2, 3, 17], columns: 5, bias: false }],
    ['MatMul of three axes to s8', { op: 'MatMul', x: [2, 3, 17], columns: 5, bias: false, y: 'int8' }],
    ['MatMul of three axes and Add', { op: 'MatMul', x: [2, 3, 17], columns: 5 }],
    [
      'MatMul of three axes, zero point, ReLU',
      {
        op: 'MatMul',
        x: [2, 3, 32],
        columns: 16,
        bias: false,
        relu: true,
        y: 'uint8',
        xGrid: { dtype: 'uint8', scale: 0.1, zero: 40 },
      },
    ],
  ])('%s', (_, spec) => check(spec));
});
