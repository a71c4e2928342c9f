import type { DataType } from '../graph/data-type';
import type { Graph, Node, Value } from '../graph/graph';
import { sorted } from '../graph/order';
import { operatorOf } from '../ops/registry';
import type { Pass } from './pass';

/**
 * Puts casts around the operators that compute in float32 only where their numbers are float16 or float64. Casts back and forth
 * between two such operators vanish, so that what lies between keeps float32's precision.
 */
export const computeInFloat32: Pass = {
  name: 'compute-in-float32',
  run(graph) {
    let edits = 0;
    /** For each value of another float type that an operator made: the same in float32. */
    const wide = new Map<Value, Value>();
    for (const node of sorted(graph)) if (!operatorOf(node).anyType && convert(graph, node, wide)) ++edits;
    return edits;
  },
};

const isOther = (dtype: DataType | undefined): boolean => dtype === 'float16' || dtype === 'float64';

function convert(graph: Graph, node: Node, wide: Map<Value, Value>): boolean {
  const others = node.inputs.filter((value): value is Value => isOther(value?.dtype));
  if (others.length === 0) return false;
  node.inputs.forEach((value, index) => {
    if (!value || !isOther(value.dtype)) return;
    let twin = wide.get(value);
    if (!twin) {
      twin = graph.addValue(`${value.name}/float32`, { dtype: 'float32', shape: value.shape });
      cast(graph, value, twin, 1);
      wide.set(value, twin);
    }
    graph.setInput(node, index, twin);
  });
  node.outputs.forEach((value, index) => {
    if (!value || !isOther(value.dtype)) return;
    const twin = graph.addValue(`${value.name}/float32`, { dtype: 'float32', shape: value.shape });
    const onnxType = value.dtype === 'float16' ? 10 : 11;
    graph.setOutput(node, index, twin);
    cast(graph, twin, value, onnxType);
    wide.set(value, twin);
  });
  return true;
}

function cast(graph: Graph, from: Value, to: Value, onnxType: number): void {
  graph.addNode({
    op: 'Cast',
    name: `${to.name}/cast`,
    inputs: [from],
    outputs: [to],
    attributes: [['to', { kind: 'int', value: onnxType }]],
  });
}
