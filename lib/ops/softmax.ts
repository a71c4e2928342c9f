import type { OperatorDefinition } from './definition';
import { float32Of, input, normalizeAxis, output, shapeOf } from './support/shapes';

function softmaxLike(op: string, log: boolean): OperatorDefinition {
  return {
    op,
    inputs: [1, 1],
    quantization: { kind: 'float' },
    infer: (node) => [{ dtype: float32Of(node), shape: shapeOf(node) }],
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
