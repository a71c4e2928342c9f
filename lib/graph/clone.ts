import { Graph, type Node, type Value } from './graph';

/** A copy whose nodes and values may be edited freely; constants are shared, since they are immutable. */
export function clone(graph: Graph): { graph: Graph; values: Map<Value, Value> } {
  const copy = new Graph(graph.name, graph.opset);
  const values = new Map<Value, Value>();
  const map = (value: Value | undefined): Value | undefined => {
    if (value === undefined) return undefined;
    let twin = values.get(value);
    if (twin === undefined) {
      twin = copy.addValue(value.name, value);
      twin.quantization = value.quantization;
      twin.constant = value.constant;
      twin.observer = value.observer;
      values.set(value, twin);
    }
    return twin;
  };
  for (const input of graph.inputs) copy.inputs.push(map(input)!);
  for (const node of graph.nodes) copyNode(copy, node, map);
  for (const output of graph.outputs) copy.outputs.push(map(output)!);
  for (const [key, value] of graph.metadata) copy.metadata.set(key, value);
  for (const [domain, version] of graph.domains) copy.domains.set(domain, version);
  return { graph: copy, values };
}

function copyNode(copy: Graph, node: Node, map: (value: Value | undefined) => Value | undefined): void {
  const twin = copy.addNode({
    op: node.op,
    domain: node.domain,
    name: node.name,
    inputs: node.inputs.map(map),
    outputs: node.outputs.map(map),
    attributes: node.attributes,
  });
  twin.postOps = node.postOps;
}
