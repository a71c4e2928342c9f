import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { Graph, Value } from '../../lib/graph/graph';
import { sorted } from '../../lib/graph/order';
import { verify } from '../../lib/graph/verify';
import { readModel, writeModel } from '../../lib/onnx';
import { inferAndFold } from '../../lib/passes/infer-and-fold';
import type { Pass } from '../../lib/passes/pass';
import type { ModelBuilder } from '../support/model';
import { Random } from '../support/random';

/** The graph of a model with types and shapes, as a pass gets it. */
export async function typed(model: ModelBuilder): Promise<Graph> {
  const graph = await readModel(model.bytes());
  inferAndFold.run(graph);
  return graph;
}

export const operators = (graph: Graph): string[] => sorted(graph).map(({ op }) => op);

/**
 * Runs a pass on a graph that stays plain ONNX: it must remain consistent, give the same answers in onnxruntime as before,
 * and have nothing to do the second time.
 */
export async function expectSameAnswers(graph: Graph, pass: Pass, tolerance = 1e-5): Promise<number> {
  const before = await answers(graph);
  const edits = pass.run(graph);
  verify(graph);
  const after = await answers(graph);
  expect(after).toHaveLength(before.length);
  before.forEach((wanted, index) => {
    const magnitude = wanted.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
    wanted.forEach((x, i) =>
      expect(Math.abs(after[index]![i]! - x)).toBeLessThanOrEqual(tolerance * magnitude),
    );
  });
  expect(pass.run(graph)).toBe(0);
  return edits;
}

async function answers(graph: Graph): Promise<number[][]> {
  for (const output of graph.outputs) output.dtype ??= 'float32';
  const session = await InferenceSession.create(writeModel(graph), { logSeverityLevel: 3 });
  const feeds = Object.fromEntries(graph.inputs.map((value) => [value.name, randomInput(value)]));
  const results = await session.run(feeds);
  await session.release();
  return graph.outputs.map(({ name }) => Array.from(results[name]!.data as Float32Array, Number));
}

function randomInput({ shape }: Value): OrtTensor {
  const dims = shape!.map((dim) => (typeof dim === 'number' ? dim : 2));
  const size = dims.reduce((a, b) => a * b, 1);
  return new OrtTensor('float32', new Random(size).floats(size), dims);
}
