import { Constant } from '../graph/constant';
import type { Graph, Node } from '../graph/graph';
import { sorted } from '../graph/order';
import type { Pass } from './pass';

/**
 * Brings fully connected layers to one form, Gemm with constant B, a bias of one number a column, alpha = beta = 1:
 * factors move into constants, and MatMul followed by Add of a vector becomes a Gemm where the data is a matrix.
 */
export const canonicalizeGemm: Pass = {
  name: 'canonicalize-gemm',
  run(graph) {
    let edits = 0;
    for (const node of sorted(graph)) {
      if (node.domain !== '') continue;
      if (node.op === 'Gemm' && normalize(graph, node)) ++edits;
      if (node.op === 'MatMul' && joinBias(graph, node)) ++edits;
    }
    return edits;
  },
};

function normalize(graph: Graph, node: Node): boolean {
  const { attributes } = node;
  const [a, b, c] = node.inputs;
  const alpha = attributes.float('alpha', 1);
  const beta = attributes.float('beta', 1);
  if (b?.constant?.dtype !== 'float32' || (c && !c.constant)) return false;
  const columns = b.constant.dims[attributes.int('transB', 0) ? 0 : 1]!;
  const fits = c === undefined || (c.dims?.length === 1 && c.dims[0] === columns);
  if (alpha === 1 && beta === 1 && fits) return false;
  const bias = c && biasVector(c.constant!, columns, beta);
  if (c && !bias) return false;
  const scaled = alpha === 1 ? b : graph.addConstant(`${b.name}/alpha`, scale(b.constant, alpha));
  const inputs = [a, scaled, ...(bias ? [graph.addConstant(`${c!.name}/bias`, bias)] : [])];
  replace(graph, node, inputs, attributes.int('transA', 0), attributes.int('transB', 0), node.outputs[0]!);
  return true;
}

function joinBias(graph: Graph, node: Node): boolean {
  const product = node.outputs[0]!;
  const [a, b] = node.inputs;
  if (
    b?.constant?.dtype !== 'float32' ||
    b.constant.dims.length !== 2 ||
    a!.shape?.length !== 2 ||
    !graph.hasSingleUse(product)
  )
    return false;
  const [sum] = product.consumers;
  if (sum!.op !== 'Add' || sum!.domain !== '') return false;
  const other = sum!.inputs.find((value) => value !== product);
  const bias = other?.constant && biasVector(other.constant, b.constant.dims[1]!, 1);
  if (!bias) return false;
  const result = sum!.outputs[0]!;
  graph.removeNode(sum!);
  replace(graph, node, [a, b, graph.addConstant(`${other!.name}/bias`, bias)], 0, 0, result);
  return true;
}

function replace(
  graph: Graph,
  node: Node,
  inputs: Node['inputs'],
  transA: number,
  transB: number,
  result: NonNullable<Node['outputs'][0]>,
): void {
  graph.removeNode(node);
  graph.addNode({
    op: 'Gemm',
    name: node.name,
    inputs,
    outputs: [result],
    attributes: [
      ['transA', { kind: 'int', value: transA }],
      ['transB', { kind: 'int', value: transB }],
    ],
  });
}

/** A constant that broadcasts over rows as one number a column, or undefined where it differs from row to row. */
function biasVector(constant: Constant, columns: number, factor: number): Constant | undefined {
  const { dims } = constant;
  if (constant.dtype !== 'float32' || dims.slice(0, -1).some((dim) => dim !== 1) || dims.length > 2)
    return undefined;
  if (constant.count !== columns && constant.count !== 1) return undefined;
  const data = constant.toFloat32();
  return Constant.float32(
    [columns],
    Float32Array.from({ length: columns }, (_, n) => data[n % data.length]! * factor),
  );
}

function scale(constant: Constant, factor: number): Constant {
  return Constant.float32(
    constant.dims,
    constant.toFloat32().map((x) => x * factor),
  );
}
