import { ModelBuilder } from './model';
import { Random } from './random';

const WIDTHS = [40, 128, 128, 10];

/** Three layers with seeded weights for rows of 40 numbers, as Gemm or as MatMul and Add. */
export function multilayerPerceptron(op: 'Gemm' | 'MatMul'): ModelBuilder {
  const random = new Random(17);
  const model = new ModelBuilder();
  let x = model.input('x', ['batch', WIDTHS[0]!]);
  WIDTHS.slice(1).forEach((columns, layer) => {
    const rows = WIDTHS[layer]!;
    const spread = 2 / Math.sqrt(rows);
    const weights = model.constant(random.floats(rows * columns, -spread, spread), [rows, columns]);
    const bias = model.constant(random.floats(columns, -0.2, 0.2), [columns]);
    x =
      op === 'Gemm'
        ? model.node(op, [x, weights, bias])
        : model.node('Add', [model.node(op, [x, weights]), bias]);
    if (layer < 2) x = model.node('Relu', [x]);
  });
  return model.output(x, 'float32', ['batch', 10]);
}
