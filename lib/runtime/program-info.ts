import type { Graph, Node } from '../graph/graph';
import { operatorOf } from '../ops/registry';
import type { Program } from './executor';

export type Precision = 'fp32' | 'int8' | 'mixed';

/** What runs, step by step. */
export interface ProgramInfo {
  steps: { name: string; kernel: string; implementation: string; reorders: string[]; dataTypes: string }[];
  /** Bytes of weights in the layouts that the steps want. */
  constantBytes: number;
  /** Bytes of the arena that one stream needs. */
  arenaBytes: number;
}

export function describeProgram({ compiled, arenaBytes }: Program): ProgramInfo {
  return {
    steps: compiled.steps.map(({ name, kernel, implementation, reorders, dataTypes }) => ({
      name,
      kernel,
      implementation,
      reorders,
      dataTypes,
    })),
    constantBytes: compiled.constantBytes,
    arenaBytes,
  };
}

/** True where the node multiplies quantized data by quantized weights. */
export function isQuantizedLinear(node: Node): boolean {
  return (
    operatorOf(node).linear !== undefined &&
    [0, 1].every((index) => {
      const producer = node.inputs[index]?.producer;
      return producer !== undefined && operatorOf(producer).conversion === 'dequantize';
    })
  );
}

/** Whether a canonical graph computes its convolutions and matrix products on quantized numbers. */
export function precisionOf(graph: Graph): Precision {
  const linear = [...graph.nodes].filter((node) => operatorOf(node).linear !== undefined);
  const quantized = linear.filter(isQuantizedLinear).length;
  if (quantized === 0) return 'fp32';
  return quantized === linear.length ? 'int8' : 'mixed';
}
