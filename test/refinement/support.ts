import { clone } from '../../lib/graph/clone';
import type { Graph, Node, Value } from '../../lib/graph/graph';
import { readModel } from '../../lib/onnx';
import { CANONICAL, runPasses } from '../../lib/passes/pipeline';
import { assign, type Assignment } from '../../lib/quantization/assign';
import { insertQuantization } from '../../lib/quantization/insert';
import { symmetricGrid } from '../../lib/quantization/parameters';
import type { Scheme } from '../../lib/quantization/scheme';
import { resolveOptions } from '../../lib/runtime/options';
import type { ModelBuilder } from '../support/model';

export const OPTIONS = resolveOptions({ streams: 1, threadsPerStream: 1 });
export const SCHEME: Scheme = {
  firstConv: 'int8',
  fullyConnected: 'int8',
  residuals: 'rounded',
  averages: 'shared',
  activations: 'symmetric',
  weightScales: 'max',
  exclude: [],
  bits: [],
};

/** The model as calibration sees it, and what is to be quantized. */
export async function canonical(model: ModelBuilder): Promise<{ graph: Graph; assignment: Assignment }> {
  const graph = await readModel(model.bytes());
  runPasses(graph, CANONICAL);
  return { graph, assignment: assign(graph, SCHEME) };
}

/** The model in FP32 and in QDQ form, with one threshold for every tensor. */
export async function pair(
  model: ModelBuilder,
  threshold: number,
): Promise<{ reference: Graph; quantized: Graph }> {
  const { graph, assignment } = await canonical(model);
  const reference = clone(graph).graph;
  insertQuantization(
    graph,
    assignment,
    assignment.groups.map(({ dtype }) => symmetricGrid(threshold, dtype)),
    'max',
  );
  return { reference, quantized: graph };
}

export function nodeNamed(graph: Graph, name: string): Node {
  return [...graph.nodes].find((node) => node.name === name)!;
}

export function valueNamed(graph: Graph, name: string): Value {
  return [...graph.values()].find((value) => value.name === name)!;
}
