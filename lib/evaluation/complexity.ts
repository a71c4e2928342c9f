import { elementCount } from '../graph/data-type';
import type { Graph, Node } from '../graph/graph';
import { findOperator } from '../ops/registry';
import { CANONICAL, EXECUTION, runPasses } from '../passes/pipeline';
import { computesInInt8 } from '../passes/quantized-values';

export interface Complexity {
  /** Multiply-adds of all weighted operators in one run. */
  multiplyAdds: number;
  /** Those of them that are computed in INT8. */
  int8MultiplyAdds: number;
}

/**
 * Counts the multiply-adds of one run with inputs of the shapes `dims` and how many of them are in INT8. Rewrites the graph
 * as for execution, so that a convolution counts as INT8 only where it will run so.
 * @throws what runPasses() throws, for example UNSUPPORTED_OPERATOR
 */
export function measureComplexity(
  graph: Graph,
  dims: Readonly<Record<string, readonly number[]>>,
): Complexity {
  for (const input of graph.inputs) input.shape = dims[input.name] ?? input.shape;
  // As a session does: operators of quantized numbers are expanded at loading.
  runPasses(graph, CANONICAL);
  runPasses(graph, EXECUTION);
  const result = { multiplyAdds: 0, int8MultiplyAdds: 0 };
  const helpers = helpersIn(graph);
  for (const node of graph.nodes) {
    if (helpers.has(node)) continue;
    const count = multiplyAddsOf(node);
    result.multiplyAdds += count;
    if (computesInInt8(node)) result.int8MultiplyAdds += count;
  }
  return result;
}

/** Layers that were put in only to take weights' zero points into account; the network itself has none of them. */
function helpersIn(graph: Graph): Set<Node> {
  const helpers = [...graph.nodes].flatMap((node) =>
    node.postOps.flatMap((postOp) =>
      postOp.kind === 'binary' ? (node.inputs[postOp.input]?.producer ?? []) : [],
    ),
  );
  return new Set(helpers);
}

/** The multiply-adds of each weighted operator of an FP32 network, by its name, in one run with inputs of the shapes `dims`. */
export function multiplyAddsByLayer(
  graph: Graph,
  dims: Readonly<Record<string, readonly number[]>>,
): Map<string, number> {
  for (const input of graph.inputs) input.shape = dims[input.name] ?? input.shape;
  runPasses(graph, CANONICAL);
  const weighted = [...graph.nodes].filter((node) => findOperator(node)?.linear);
  return new Map(weighted.map((node) => [node.name, multiplyAddsOf(node)]));
}

/**
 * Each element of the result takes as many as there are weights for its channel, or as a row of the left operand has elements;
 * transposed, each element of the data as there are weights for its own channel.
 */
function multiplyAddsOf(node: Node): number {
  const linear = findOperator(node)?.linear;
  const [x, weights, result] = [node.inputs[0]?.dims, node.inputs[1]?.dims, node.outputs[0]?.dims];
  if (!linear || !x || !weights || !result) return 0;
  if (!node.inputs[1]!.constant)
    return linear.multipliesActivations ? elementCount(result) * (x.at(-1) ?? 0) : 0;
  const [elements, channels] = linear.transposed
    ? [elementCount(x), weights[0]!]
    : [elementCount(result), weights[linear.outputChannelAxis(node)]];
  return channels ? elements * (elementCount(weights) / channels) : 0;
}
