import { Graph, type Node, type Value } from './graph';

/**
 * The part of a graph that computes `outputs` from `inputs`, as a graph of its own; constants are shared. What the outputs
 * depend on beyond the inputs must be constants or inputs of the graph, which become inputs too.
 * @returns the new graph, and what each value became in it
 */
export function extract(
  graph: Graph,
  inputs: readonly Value[],
  outputs: readonly Value[],
): { graph: Graph; values: Map<Value, Value> } {
  const part = new Graph(graph.name, graph.opset);
  for (const [domain, version] of graph.domains) part.domains.set(domain, version);
  const values = new Map<Value, Value>();
  const copied = new Set<Node>();
  const add = (value: Value): Value => {
    const twin = part.addValue(value.name, value);
    twin.quantization = value.quantization;
    twin.constant = value.constant;
    values.set(value, twin);
    return twin;
  };
  for (const input of inputs) part.inputs.push(add(input));
  const pending: Value[] = [...outputs];
  for (let value = pending.pop(); value; value = pending.pop()) {
    if (values.has(value) && !value.producer) continue;
    const node = inputs.includes(value) ? undefined : value.producer;
    if (!node) {
      const twin = values.get(value) ?? add(value);
      if (!value.constant && !part.inputs.includes(twin)) part.inputs.push(twin);
    } else if (!copied.has(node)) {
      copied.add(node);
      for (const input of node.inputs) if (input) pending.push(input);
    }
  }
  // In the order of the whole, which its execution order follows.
  const map = (value: Value | undefined): Value | undefined => value && (values.get(value) ?? add(value));
  for (const node of graph.nodes) {
    if (!copied.has(node)) continue;
    const twin = part.addNode({
      op: node.op,
      domain: node.domain,
      name: node.name,
      inputs: node.inputs.map(map),
      outputs: node.outputs.map(map),
      attributes: node.attributes,
    });
    twin.postOps = node.postOps;
  }
  part.outputs.push(...outputs.map((output) => map(output)!));
  return { graph: part, values };
}
