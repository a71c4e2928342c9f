import type { Constant } from '../graph/constant';
import type { Graph, Node } from '../graph/graph';
import { quantizationOf } from '../ops/quantize';

/** What a QDQ graph stores of a layer's weights (input 1) or bias (input 2). */
export interface StoredInput {
  readonly levels: Constant;
  readonly scale: Float32Array;
  readonly name: string;
}

export function storedInput(node: Node, input: 1 | 2): StoredInput {
  const conversion = node.inputs[input]!.producer!;
  const stored = conversion.inputs[0]!;
  return { levels: stored.constant!, scale: quantizationOf(conversion).scale, name: stored.name };
}

/** Puts a constant in the place of the levels or the scales that are stored. */
export function replaceStored(
  graph: Graph,
  node: Node,
  input: 1 | 2,
  what: 'levels' | 'scale',
  constant: Constant,
): void {
  const conversion = node.inputs[input]!.producer!;
  const index = what === 'levels' ? 0 : 1;
  const { name } = conversion.inputs[index]!;
  graph.setInput(conversion, index, graph.addConstant(`${name}_refined`, constant));
}
