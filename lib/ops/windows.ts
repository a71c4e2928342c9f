import { dataTypeFromOnnx, type DataType } from '../graph/data-type';
import type { Node } from '../graph/graph';
import type { OperatorDefinition } from './definition';
import { fromNumbers } from './support/elements';
import { constantInts } from './support/shapes';

/** Windows of signal processing: sums of cosines, known as soon as their size is. */
function window(op: string, coefficients: readonly number[]): OperatorDefinition {
  const dtypeOf = (node: Node): DataType =>
    dataTypeFromOnnx(node.attributes.int('output_datatype', 1)) ?? 'float32';
  return {
    op,
    anyType: true,
    parameters: [0],
    inputs: [1, 1],
    quantization: { kind: 'float' },
    infer: (node) => [{ dtype: dtypeOf(node), shape: [constantInts(node, 0)?.[0] ?? null] }],
    fold(node) {
      const size = constantInts(node, 0)![0]!;
      const period = node.attributes.int('periodic', 1) ? size : Math.max(1, size - 1);
      const numbers = Array.from({ length: size }, (_, i) =>
        coefficients.reduce((sum, a, k) => sum + a * Math.cos((2 * Math.PI * k * i) / period), 0),
      );
      return [fromNumbers(dtypeOf(node), [size], numbers)];
    },
  };
}

export const windows: readonly OperatorDefinition[] = [
  window('HannWindow', [0.5, -0.5]),
  window('HammingWindow', [25 / 46, -21 / 46]),
  window('BlackmanWindow', [0.42, -0.5, 0.08]),
];
