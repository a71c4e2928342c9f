import type { OperatorDefinition } from './definition';
import { Composer } from './support/composer';
import { floatOf, input, normalizeAxis, output, shapeOf } from './support/shapes';

function softmaxLike(op: string, log: boolean): OperatorDefinition {
  return {
    op,
    inputs: [1, 1],
    quantization: { kind: 'float' },
    infer: (node) => [{ dtype: floatOf(node), shape: shapeOf(node) }],
    ...(log ? {} : { nonNegative: () => true }),
    lower(node, lowering) {
      const x = input(node, 0);
      const dims = lowering.dims(x);
      const { opset } = lowering;
      const axis = normalizeAxis(node, node.attributes.int('axis', opset < 13 ? 1 : -1), dims.length);
      // Before opset 13 the tensor counts as a matrix: everything from the axis on is one row.
      const matrix = opset < 13 && dims.slice(axis + 1).some((dim) => dim !== 1);
      const rows = dims.slice(0, axis).reduce((a, b) => a * b, 1);
      const shape = matrix ? [rows, dims.slice(axis).reduce((a, b) => a * b, 1)] : dims;
      const target = lowering.value(output(node));
      const result = matrix ? lowering.temporary(`${node.name}/matrix`, 'float32', shape) : target;
      lowering.step({
        kernel: 'softmax',
        name: node.name,
        sources: [
          matrix ? lowering.reshaped(lowering.value(x), shape, `${node.name}/rows`) : lowering.value(x),
        ],
        destinations: [result],
        params: { axis: { i64: matrix ? 1 : axis }, log: { i64: log ? 1 : 0 } },
      });
      if (matrix)
        lowering.step({
          kernel: 'reshape',
          name: `${node.name}/shape`,
          sources: [result],
          destinations: [target],
        });
    },
  };
}

export const softmax = softmaxLike('Softmax', false);
export const logSoftmax = softmaxLike('LogSoftmax', true);

/** 1 at the first greatest element of each row, else 0. */
export const hardmax: OperatorDefinition = {
  op: 'Hardmax',
  inputs: [1, 1],
  quantization: { kind: 'float' },
  infer: (node) => [{ dtype: floatOf(node), shape: shapeOf(node) }],
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const x = composer.input(0);
    const given = normalizeAxis(
      node,
      node.attributes.int('axis', lowering.opset < 13 ? 1 : -1),
      x.dims.length,
    );
    const rows = lowering.opset < 13 ? asRows(x.dims, given) : x.dims;
    const axis = lowering.opset < 13 ? 1 : given;
    const matrix = composer.reshape(x, rows);
    const kept = rows.map((dim, a) => (a === axis ? 1 : dim));
    const greatest = composer.step('arg_reduction', [matrix], 'int64', kept, {
      axis: { i64: axis },
      algorithm: { text: 'max' },
    });
    const along = rows.map((dim, a) => (a === axis ? dim : 1));
    const positions = composer.constant(
      'int64',
      along,
      Array.from({ length: rows[axis]! }, (_, index) => index),
    );
    const hot = composer.map('eq', [positions, greatest]);
    composer.finish(composer.reshape(composer.cast(hot, 'float32'), x.dims));
  },
};

/** The tensor as a matrix: everything from the axis on is one row. */
function asRows(dims: readonly number[], axis: number): [number, number] {
  const product = (part: readonly number[]): number => part.reduce((a, b) => a * b, 1);
  return [product(dims.slice(0, axis)), product(dims.slice(axis))];
}
