import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Calibrator, Tensor, type CalibrationSummary, type CalibratorOptions } from '../../lib';
import type { Graph, Node, Value } from '../../lib/graph/graph';
import { readModel } from '../../lib/onnx';
import type { ModelBuilder } from '../support/model';
import { Random } from '../support/random';

export interface Calibrated {
  summary: CalibrationSummary;
  /** The saved model as it reads. */
  graph: Graph;
  bytes: Uint8Array;
}

/** A folder that is gone after the callback. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'calibr8-test-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Calibrates a model that has one input `x` with the given samples and reads the saved file back. */
export function calibrated(
  model: ModelBuilder | Uint8Array,
  samples: readonly Tensor[],
  options: Partial<CalibratorOptions> = {},
): Promise<Calibrated> {
  return withFolder(async (folder) => {
    const output = join(folder, 'int8.onnx');
    const bytes = model instanceof Uint8Array ? model : model.bytes();
    const calibrator = await Calibrator.create({ model: bytes, output, threads: 1, ...options });
    for (const x of samples) {
      await calibrator.run({ x });
      await calibrator.sampleData();
    }
    const summary = await calibrator.saveInt8Model();
    await calibrator.release();
    return { summary, graph: await readModel(output), bytes: new Uint8Array(readFileSync(output)) };
  });
}

/** Tensors of uniform noise in [-1, 1). */
export function noise(count: number, dims: readonly number[], seed = 1): Tensor[] {
  const numbers = new Random(seed);
  const size = dims.reduce((a, b) => a * b, 1);
  return Array.from({ length: count }, () => new Tensor('float32', numbers.floats(size), dims));
}

/** The scale and type of the QuantizeLinear that takes the named value. */
export function quantizerOf(graph: Graph, name: string): { scale: number; dtype: string; node: Node } {
  for (const node of graph.nodes) {
    if (node.op === 'QuantizeLinear' && node.inputs[0]!.name === name) {
      return { scale: node.inputs[1]!.constant!.toNumbers()[0]!, dtype: node.inputs[2]!.dtype!, node };
    }
  }
  throw new Error(`Nothing quantizes "${name}".`);
}

export function isQuantized(graph: Graph, value: Value | string): boolean {
  const name = typeof value === 'string' ? value : value.name;
  return [...graph.nodes].some((node) => node.op === 'QuantizeLinear' && node.inputs[0]!.name === name);
}
