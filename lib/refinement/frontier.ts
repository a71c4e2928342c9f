import { Calibr8Error } from '../errors';
import { extract } from '../graph/extract';
import type { Graph, Node, Value } from '../graph/graph';
import { operatorOf } from '../ops/registry';
import { Executor } from '../runtime/executor';
import type { ResolvedOptions } from '../runtime/options';
import type { Tensor } from '../tensor';

/**
 * Computes a network's values for a fixed set of samples from front to back, a part at a time, holding only what later parts
 * need: each node runs once a sample, and a part that was passed may be edited no more, one that was not may.
 *
 * Dequantization counts as part of whoever reads it, so that quantized values are held as stored, a byte each.
 */
export class Frontier {
  readonly #held = new Map<Value, Tensor[]>();
  readonly #done = new Set<Node>();
  readonly #samples: number;

  /** @param feeds for each sample the graph's inputs in its order */
  constructor(
    readonly graph: Graph,
    feeds: readonly (readonly Tensor[])[],
    readonly options: ResolvedOptions,
  ) {
    this.#samples = feeds.length;
    graph.inputs.forEach((input, index) =>
      this.#held.set(
        input,
        feeds.map((tensors) => tensors[index]!),
      ),
    );
  }

  /** The value for every sample; what it needed is passed. */
  async advance(value: Value): Promise<readonly Tensor[]> {
    const held = this.#held.get(value);
    if (held) return held;
    const passed = this.#missing(value);
    for (const node of passed) this.#done.add(node);
    const kept = [...passed].flatMap((node) =>
      node.outputs.filter((output) => output && (output === value || this.#needed(output))),
    ) as Value[];
    const results = await this.#compute(kept);
    kept.forEach((one, index) => this.#held.set(one, results[index]!));
    for (const one of this.#held.keys()) if (one !== value && !this.#needed(one)) this.#held.delete(one);
    return this.#held.get(value)!;
  }

  /** The value for every sample, without passing what it needs. */
  async peek(value: Value): Promise<readonly Tensor[]> {
    return this.#held.get(value) ?? (await this.#compute([value]))[0]!;
  }

  /** The nodes between what is held and the value, those that are never held included. */
  #missing(value: Value): Set<Node> {
    const nodes = new Set<Node>();
    const pending = [value];
    for (let next = pending.pop(); next; next = pending.pop()) {
      const node = next.producer;
      if (this.#held.has(next) || !node || nodes.has(node)) continue;
      nodes.add(node);
      for (const input of node.inputs) if (input) pending.push(input);
    }
    for (const node of nodes) if (isFree(node)) nodes.delete(node);
    return nodes;
  }

  /** True where a node that was not passed reads the value. */
  #needed(value: Value): boolean {
    return [...value.consumers].some((node) =>
      isFree(node) ? node.outputs.some((output) => output && this.#needed(output)) : !this.#done.has(node),
    );
  }

  /** Values outermost, then samples. */
  async #compute(values: readonly Value[]): Promise<Tensor[][]> {
    const inputs = [...this.#held.keys()];
    const { graph, values: twins } = extract(this.graph, inputs, values);
    if (graph.inputs.length > inputs.length) {
      const names = values.map(({ name }) => name).join(', ');
      throw new Calibr8Error(
        'INTERNAL_GRAPH',
        `Expected values ahead of what was passed but ${names} is behind it. This is a defect in calibr8.`,
      );
    }
    const used = inputs.filter((input) => twins.get(input)!.consumers.size > 0);
    graph.inputs.splice(0, graph.inputs.length, ...used.map((input) => twins.get(input)!));
    const executor = new Executor(graph, this.options);
    try {
      const results: Tensor[][] = values.map(() => []);
      for (let sample = 0; sample < this.#samples; ++sample) {
        const feeds = Object.fromEntries(
          used.map((input) => [twins.get(input)!.name, this.#held.get(input)![sample]!]),
        );
        const outputs = await executor.run(feeds);
        outputs.forEach((tensor, index) => results[index]!.push(tensor));
      }
      return results;
    } finally {
      await executor.close();
    }
  }
}

/** Reads as cheaply again as it is held, and four times larger afterwards. */
function isFree(node: Node): boolean {
  return operatorOf(node).conversion === 'dequantize';
}
