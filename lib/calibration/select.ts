import { Calibr8Error, expected } from '../errors';
import type { Graph, Value } from '../graph/graph';
import { findOperator } from '../ops/registry';
import { removeDeadNodes } from '../passes/remove-dead-nodes';

/** Throws ALREADY_QUANTIZED where a model holds conversions or integer operators. */
export function requireUnquantized(graph: Graph): void {
  const QUANTIZED = /^(QLinear|ConvInteger|MatMulInteger|DynamicQuantizeLinear)/;
  for (const node of graph.nodes) {
    if (findOperator(node)?.conversion || QUANTIZED.test(node.op)) {
      throw new Calibr8Error(
        'ALREADY_QUANTIZED',
        `Expected an FP32 model but it is already quantized: it holds ${node.label}. Calibrate the FP32 model it was made from.`,
      );
    }
  }
}

/** Keeps the outputs that are fetched and what they need; the fed inputs must suffice for that. */
export function selectFeedsAndFetches(
  graph: Graph,
  feedNames?: readonly string[],
  fetchNames?: readonly string[],
): void {
  if (fetchNames) {
    const chosen = pick(graph.outputs, fetchNames, 'fetchNames', 'output');
    graph.outputs.splice(0, graph.outputs.length, ...chosen);
    removeDeadNodes.run(graph);
    const used = graph.inputs.filter((value) => value.consumers.size > 0 || graph.outputs.includes(value));
    graph.inputs.splice(0, graph.inputs.length, ...used);
  }
  if (feedNames) {
    const known = new Set(feedNames);
    const missing = graph.inputs.find(({ name }) => !known.has(name));
    if (missing) {
      throw new Calibr8Error(
        'INVALID_ARGUMENT',
        `Expected "${missing.name}" among feedNames, since the fetched outputs depend on it.`,
      );
    }
    const unknown = feedNames.find((name) => !graph.inputs.some((value) => value.name === name));
    if (unknown !== undefined) {
      throw expected(
        `inputs of the model (${graph.inputs.map(({ name }) => name).join(', ')})`,
        'feedNames',
        unknown,
      );
    }
  }
}

function pick(values: readonly Value[], names: readonly string[], option: string, kind: string): Value[] {
  if (names.length === 0) throw expected(`at least one ${kind} name`, option, names);
  return names.map((name) => {
    const value = values.find((candidate) => candidate.name === name);
    if (!value)
      throw expected(`${kind}s of the model (${values.map((v) => v.name).join(', ')})`, option, name);
    return value;
  });
}
