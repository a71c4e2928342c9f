import type { OperatorDefinition } from './definition';
import { floatOf, input, output, shapeError, shapeOf } from './support/shapes';

/** Local response normalization across channels. */
export const lrn: OperatorDefinition = {
  op: 'LRN',
  inputs: [1, 1],
  quantization: { kind: 'float' },
  infer: (node) => [{ dtype: floatOf(node), shape: shapeOf(node, 0, 2) }],
  lower(node, lowering) {
    const { attributes } = node;
    const size = attributes.int('size');
    if (size === undefined) throw shapeError(node, 'expected the attribute size but it is absent.');
    lowering.step({
      kernel: 'lrn',
      name: node.name,
      sources: [lowering.value(input(node, 0))],
      destinations: [lowering.value(output(node))],
      params: {
        size: { i64: size },
        alpha: { f64: attributes.float('alpha', 1e-4) },
        beta: { f64: attributes.float('beta', 0.75) },
        k: { f64: attributes.float('bias', 1) },
      },
    });
  },
};
