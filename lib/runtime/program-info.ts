import { clone } from '../graph/clone';
import type { Graph } from '../graph/graph';
import { operatorOf } from '../ops/registry';
import { EXECUTION, runPasses } from '../passes/pipeline';
import { computesInInt8 } from '../passes/quantized-values';
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

/**
 * Whether a canonical graph's convolutions and matrix products compute on integers: what the execution passes make of them
 * decides, since not every quantized layer of a file can run as one.
 */
export function precisionOf(graph: Graph): Precision {
  if (![...graph.nodes].some((node) => operatorOf(node).conversion)) return 'fp32';
  const { graph: executed } = clone(graph);
  runPasses(executed, EXECUTION);
  const linear = [...executed.nodes].filter((node) => operatorOf(node).linear !== undefined);
  const quantized = linear.filter(computesInInt8).length;
  if (quantized === 0) return 'fp32';
  return quantized === linear.length ? 'int8' : 'mixed';
}
