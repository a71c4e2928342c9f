import { Attributes, type Attribute } from './attributes';
import type { Constant } from './constant';
import type { DataType } from './data-type';

/** A dimension: known, a named symbol (equal names are equal sizes), or unknown. */
export type Dim = number | string | null;
export type Shape = readonly Dim[];

/** real = (stored - zeroPoint) x scale; one entry is per tensor, several lie along `axis`. */
export interface QuantizationParameters {
  readonly scale: Float32Array;
  readonly zeroPoint: Int32Array;
  /** The channel axis, or -1 for per-tensor. */
  readonly axis: number;
}

/** A computation fused onto the node that produces its operand; applied in order to the real-valued result. */
export type PostOp =
  | { readonly kind: 'eltwise'; readonly algorithm: string; readonly alpha: number; readonly beta: number }
  /** Adds the node's input number `input`, shaped as the result. */
  | { readonly kind: 'sum'; readonly input: number }
  /** Adds the node's input number `input`, which is real and broadcasts to the result, or multiplies by it. */
  | { readonly kind: 'binary'; readonly algorithm: 'add' | 'mul'; readonly input: number };

/** An edge of the graph: what one node makes (or a graph input, or a constant) and others use. */
export class Value {
  dtype: DataType | undefined;
  shape: Shape | undefined;
  quantization: QuantizationParameters | undefined;
  /** The node that makes it; undefined for graph inputs and constants. */
  producer: Node | undefined;
  constant: Constant | undefined;
  /** Nodes that use it, each once, in the order they began to. */
  readonly consumers = new Set<Node>();
  /** Set while calibrating: the observer that wants this value's statistics. Fusing must leave such a value in being. */
  observer: number | undefined;

  constructor(
    readonly id: number,
    readonly name: string,
  ) {}

  /** The shape where every dimension is known, else undefined. */
  get dims(): number[] | undefined {
    const shape = this.shape;
    return shape?.every((dim) => typeof dim === 'number') ? [...(shape as number[])] : undefined;
  }
}

export class Node {
  /** What was fused onto it, in order. */
  postOps: readonly PostOp[] = [];
  readonly inputs: (Value | undefined)[] = [];

  constructor(
    readonly id: number,
    readonly domain: string,
    readonly op: string,
    readonly name: string,
    readonly outputs: readonly (Value | undefined)[],
    readonly attributes: Attributes,
  ) {}

  /** How errors and reports call it. */
  get label(): string {
    return `${this.op} node "${this.name}"`;
  }
}

export interface NodeSpec {
  op: string;
  name: string;
  inputs: readonly (Value | undefined)[];
  outputs: readonly (Value | undefined)[];
  domain?: string;
  attributes?: Attributes | Iterable<readonly [string, Attribute]>;
}

/**
 * A network. Changed only through its methods, which keep producer and consumers right; nodes need no order,
 * `sorted()` gives one.
 */
export class Graph {
  readonly nodes = new Set<Node>();
  readonly inputs: Value[] = [];
  readonly outputs: Value[] = [];
  /** ONNX's key-value metadata. */
  readonly metadata = new Map<string, string>();
  /** Versions of the operator sets other than the default one. */
  readonly domains = new Map<string, number>();
  #nextId = 0;
  readonly #names = new Set<string>();

  constructor(
    readonly name: string,
    /** Version of the default operator set. */
    public opset: number,
  ) {}

  /** Adds a value; a name that is taken gets a suffix. */
  addValue(name: string, type?: { dtype?: DataType | undefined; shape?: Shape | undefined }): Value {
    const value = new Value(this.#nextId++, this.#unique(name));
    value.dtype = type?.dtype;
    value.shape = type?.shape;
    return value;
  }

  addConstant(name: string, constant: Constant): Value {
    const value = this.addValue(name, { dtype: constant.dtype, shape: constant.dims });
    value.constant = constant;
    return value;
  }

  addNode(spec: NodeSpec): Node {
    const { attributes } = spec;
    const node = new Node(
      this.#nextId++,
      spec.domain ?? '',
      spec.op,
      spec.name,
      [...spec.outputs],
      attributes instanceof Attributes
        ? attributes
        : new Attributes(`${spec.op} node "${spec.name}"`, attributes),
    );
    spec.inputs.forEach((input, index) => this.setInput(node, index, input));
    for (const output of node.outputs) if (output) output.producer = node;
    this.nodes.add(node);
    return node;
  }

  setInput(node: Node, index: number, value: Value | undefined): void {
    const previous = node.inputs[index];
    while (node.inputs.length < index) node.inputs.push(undefined);
    node.inputs[index] = value;
    if (previous && !node.inputs.includes(previous)) previous.consumers.delete(node);
    value?.consumers.add(node);
  }

  /** Makes every consumer of `value`, and the graph's outputs, use `replacement`. An output keeps its name through `renameOutput`. */
  replaceUses(value: Value, replacement: Value, only?: (consumer: Node) => boolean): void {
    for (const node of [...value.consumers]) {
      if (only && !only(node)) continue;
      node.inputs.forEach((input, index) => {
        if (input === value) this.setInput(node, index, replacement);
      });
    }
    if (!only)
      this.outputs.forEach((output, index) => output === value && (this.outputs[index] = replacement));
  }

  /** Makes `node` the producer of `value`, in the place of the output number `index`; the former output is left without a producer. */
  setOutput(node: Node, index: number, value: Value): void {
    const previous = node.outputs[index];
    if (previous) previous.producer = undefined;
    (node.outputs as (Value | undefined)[])[index] = value;
    value.producer = node;
  }

  removeNode(node: Node): void {
    for (const input of node.inputs) input?.consumers.delete(node);
    for (const output of node.outputs) if (output?.producer === node) output.producer = undefined;
    this.nodes.delete(node);
  }

  /** True where the value is used once only, by one node's one input, and is no graph output and not observed. */
  hasSingleUse(value: Value): boolean {
    if (value.consumers.size !== 1 || value.observer !== undefined || this.outputs.includes(value))
      return false;
    const [consumer] = value.consumers;
    return consumer!.inputs.filter((input) => input === value).length === 1;
  }

  /** Every value that the graph's inputs, outputs and nodes mention. */
  values(): Set<Value> {
    const values = new Set<Value>([...this.inputs, ...this.outputs]);
    for (const node of this.nodes) {
      for (const value of [...node.inputs, ...node.outputs]) if (value) values.add(value);
    }
    return values;
  }

  #unique(name: string): string {
    let candidate = name;
    for (let n = 1; this.#names.has(candidate); ++n) candidate = `${name}_${n}`;
    this.#names.add(candidate);
    return candidate;
  }
}
