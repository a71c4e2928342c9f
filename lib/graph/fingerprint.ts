import { createHash } from 'node:crypto';
import type { Constant } from './constant';
import type { Graph, Value } from './graph';

/**
 * SHA-256 over everything that the network computes: operators, connections, names, attributes and weights, however the file
 * stores them. Metadata does not count.
 * @returns 64 hexadecimal digits
 */
export function fingerprint(graph: Graph): string {
  const hash = createHash('sha256');
  const text = (...parts: unknown[]): void => void hash.update(`${JSON.stringify(parts, exact)}\n`);
  const constant = (name: string, { dtype, dims, bytes }: Constant): void => {
    text(name, dtype, dims, bytes.byteLength);
    hash.update(bytes);
  };
  const typed = ({ name, dtype, shape }: Value): unknown[] => [name, dtype, shape];
  text(graph.opset, graph.inputs.map(typed), graph.outputs.map(typed));
  for (const { domain, op, name, inputs, outputs, attributes } of graph.nodes) {
    text(domain, op, name, inputs.map(nameOf), outputs.map(nameOf));
    for (const [key, attribute] of [...attributes.entries()].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (attribute.kind === 'tensor') constant(key, attribute.value);
      else text(key, attribute.kind, attribute.value);
    }
  }
  for (const value of graph.values()) if (value.constant) constant(value.name, value.constant);
  return hash.digest('hex');
}

function nameOf(value: Value | undefined): string {
  return value?.name ?? '';
}

/** JSON has no Infinity and no NaN. */
function exact(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
