import { Calibr8Error } from '../errors';
import type { Graph, Value } from './graph';
import { sorted } from './order';

type Fail = (what: string) => never;

/** Checks what every edit must keep: links both ways, no cycle, nothing used that nobody makes. Throws INTERNAL_GRAPH naming the place. */
export function verify(graph: Graph): void {
  const fail: Fail = (what) => {
    throw new Calibr8Error(
      'INTERNAL_GRAPH',
      `The graph "${graph.name}" is inconsistent: ${what}. This is a defect in calibr8.`,
    );
  };
  verifyValues(graph, fail);
  verifyNodes(graph, fail);
  sorted(graph);
}

function verifyValues(graph: Graph, fail: Fail): void {
  const names = new Set<string>();
  for (const value of graph.values()) {
    if (names.has(value.name)) fail(`two values are named "${value.name}"`);
    names.add(value.name);
    if (value.constant && value.producer) fail(`"${value.name}" is a constant and has a producer`);
    if (value.producer && !graph.nodes.has(value.producer))
      fail(`"${value.name}" is made by a node that was removed`);
    for (const consumer of value.consumers) {
      if (!graph.nodes.has(consumer)) fail(`"${value.name}" is used by a node that was removed`);
      if (!consumer.inputs.includes(value)) {
        fail(`"${value.name}" lists ${consumer.label} as a consumer, which does not use it`);
      }
    }
  }
}

function verifyNodes(graph: Graph, fail: Fail): void {
  const inputs = new Set(graph.inputs);
  const available = (value: Value): boolean =>
    value.constant !== undefined || value.producer !== undefined || inputs.has(value);
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      if (input === undefined) continue;
      if (!input.consumers.has(node)) fail(`${node.label} uses "${input.name}", which does not list it`);
      if (!available(input)) fail(`${node.label} uses "${input.name}", which nothing makes`);
    }
    for (const output of node.outputs) {
      if (output && output.producer !== node)
        fail(`${node.label} makes "${output.name}", which names another producer`);
    }
    for (const postOp of node.postOps) {
      if (postOp.kind !== 'eltwise' && !node.inputs[postOp.input]) {
        fail(`a post-op of ${node.label} takes input ${postOp.input}, which is absent`);
      }
    }
  }
  for (const output of graph.outputs)
    if (!available(output)) fail(`the output "${output.name}" has no producer`);
}
