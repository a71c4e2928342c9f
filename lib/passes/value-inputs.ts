import type { Graph, Value } from '../graph/graph';
import { operatorOf } from '../ops/registry';

/** How many elements an input may have whose values are compiled in: shapes, axes and scales are short. */
const MOST_ELEMENTS = 64;

/**
 * The graph inputs whose values decide about shapes: those that reach an operator's `parameters`, other than through a Shape,
 * which only asks for sizes. A program is compiled for each combination of their values.
 */
export function valueInputs(graph: Graph): Set<Value> {
  const wanted = new Set<Value>();
  const visit = (value: Value | undefined): void => {
    if (!value || value.constant || wanted.has(value)) return;
    wanted.add(value);
    const { producer } = value;
    if (producer && !operatorOf(producer).foldsFromShape) producer.inputs.forEach(visit);
  };
  for (const node of graph.nodes) {
    for (const index of operatorOf(node).parameters ?? []) visit(node.inputs[index]);
  }
  return new Set(graph.inputs.filter((value) => wanted.has(value) && mayBeParameter(value)));
}

function mayBeParameter({ shape }: Value): boolean {
  if (!shape || shape.length > 2) return false;
  return shape.every((dim) => typeof dim !== 'number' || dim <= MOST_ELEMENTS);
}

/** Whether a tensor for such an input is small enough. */
export function isShort(dims: readonly number[]): boolean {
  return dims.reduce((a, b) => a * b, 1) <= MOST_ELEMENTS;
}
