import type { onnx } from 'onnx-proto';
import { describe } from '../errors';
import type { Attribute } from '../graph/attributes';
import { Graph, type Node, type Value } from '../graph/graph';
import { sorted } from '../graph/order';
import { constantOf } from './read-constant-node';
import { normalizeDomain } from './opsets';
import { invalid, unsupported } from './proto';
import { readAttribute } from './read-attribute';
import { foreignTypeName, readDataType, readTensor, type ExternalBytes } from './read-tensor';
import { readBoundaryType, readType, type DeclaredType } from './read-type';

/** Builds the graph of a decoded model. `opsets` holds the imported versions by domain. */
export function readGraph(
  proto: onnx.IGraphProto,
  opsets: ReadonlyMap<string, number>,
  external: ExternalBytes,
): Graph {
  return new GraphReader(proto, opsets, external).read();
}

/** The names that nodes and graph outputs use: only their initializers are worth reading. */
export function usedNames(proto: onnx.IGraphProto): Set<string> {
  const used = new Set<string>();
  for (const node of proto.node ?? []) for (const name of node.input ?? []) used.add(name);
  for (const output of proto.output ?? []) used.add(output.name ?? '');
  used.delete('');
  return used;
}

class GraphReader {
  readonly #graph: Graph;
  readonly #values = new Map<string, Value>();
  /** What defines each name, for the message about a second definition. */
  readonly #origins = new Map<string, string>();
  readonly #types = new Map<string, DeclaredType>();
  readonly #nodeNames = new Set<string>();

  constructor(
    readonly proto: onnx.IGraphProto,
    opsets: ReadonlyMap<string, number>,
    readonly external: ExternalBytes,
  ) {
    this.#graph = new Graph(proto.name ?? '', opsets.get('')!);
    for (const [domain, version] of opsets) if (domain) this.#graph.domains.set(domain, version);
  }

  read(): Graph {
    this.#readTypes();
    this.#readInitializers();
    this.#readInputs();
    const nodes = (this.proto.node ?? []).map((node, index) => this.#declareNode(node, index));
    nodes.forEach((node, index) => node && this.#connect(node, this.proto.node![index]!.input ?? []));
    this.#readOutputs();
    sorted(this.#graph);
    return this.#graph;
  }

  #readTypes(): void {
    for (const info of this.proto.valueInfo ?? []) this.#types.set(info.name ?? '', readType(info));
    for (const output of this.proto.output ?? [])
      this.#types.set(output.name ?? '', readBoundaryType(output, 'output'));
  }

  #readInitializers(): void {
    const [sparse] = this.proto.sparseInitializer ?? [];
    if (sparse) {
      throw unsupported(
        `The initializer ${describe(sparse.values?.name ?? '')} is a sparse tensor, which calibr8 does not read; store it as a dense tensor.`,
      );
    }
    const used = usedNames(this.proto);
    for (const tensor of this.proto.initializer ?? []) {
      const name = tensor.name ?? '';
      this.#define(name, 'an initializer');
      if (!used.has(name)) continue;
      const what = `tensor ${describe(name)}`;
      const dtype = readDataType(tensor, what);
      if (!dtype) {
        throw unsupported(
          `The initializer ${describe(name)} is a tensor of ${foreignTypeName(tensor.dataType ?? 0)}, which calibr8 does not run; export the model with float32 weights.`,
        );
      }
      this.#values.set(name, this.#graph.addConstant(name, readTensor(tensor, dtype, what, this.external)));
    }
  }

  /** Until IR version 4 every initializer was listed as an input too; later that means a default. A constant in both. */
  #readInputs(): void {
    const initializers = new Set(this.#origins.keys());
    for (const input of this.proto.input ?? []) {
      const name = input.name ?? '';
      if (name === '') throw invalid('Expected a name for every graph input but one has none.');
      if (initializers.has(name)) continue;
      this.#define(name, 'a graph input');
      const value = this.#graph.addValue(name, readBoundaryType(input, 'input'));
      this.#values.set(name, value);
      this.#graph.inputs.push(value);
    }
  }

  /** Adds the node with its outputs; a Constant node leaves a constant instead. */
  #declareNode(proto: onnx.INodeProto, index: number): Node | undefined {
    const op = proto.opType ?? '';
    const outputs = proto.output ?? [];
    const name = this.#nodeName(proto);
    const label = `${op} node ${describe(name)}`;
    if (op === '')
      throw invalid(`Expected an operator for node ${index} (${describe(name)}) but op_type is empty.`);
    if (!outputs.some((output) => output !== ''))
      throw invalid(`Expected an output of ${label} but it has none.`);
    const attributes = (proto.attribute ?? []).map((attribute): [string, Attribute] => [
      attribute.name ?? '',
      readAttribute(attribute, label, this.external),
    ]);
    const domain = normalizeDomain(proto.domain);
    for (const output of outputs) if (output !== '') this.#define(output, `an output of ${label}`);
    if (domain === '' && op === 'Constant') {
      this.#values.set(outputs[0]!, this.#graph.addConstant(outputs[0]!, constantOf(attributes, label)));
      return undefined;
    }
    const values = outputs.map((output) => {
      if (output === '') return undefined;
      const value = this.#graph.addValue(output, this.#types.get(output));
      this.#values.set(output, value);
      return value;
    });
    return this.#graph.addNode({ op, domain, name, inputs: [], outputs: values, attributes });
  }

  #connect(node: Node, inputs: readonly string[]): void {
    inputs.forEach((name, index) => {
      const value = name === '' ? undefined : this.#values.get(name);
      if (name !== '' && !value) {
        throw invalid(
          `${node.label} uses ${describe(name)}, but no graph input, initializer or node makes it. An initializer is missing from the file; export the model again with its weights.`,
        );
      }
      this.#graph.setInput(node, index, value);
    });
  }

  #readOutputs(): void {
    for (const output of this.proto.output ?? []) {
      const value = this.#values.get(output.name ?? '');
      if (!value) {
        throw invalid(
          `The graph output ${describe(output.name ?? '')} is made by no node, input or initializer; the file is damaged or was cut wrongly.`,
        );
      }
      this.#graph.outputs.push(value);
    }
    if (this.#graph.outputs.length === 0)
      throw invalid('Expected a graph with outputs but it declares none; export the model again.');
  }

  #define(name: string, origin: string): void {
    const earlier = this.#origins.get(name);
    if (earlier !== undefined) {
      throw invalid(
        `Expected every value to be defined once but ${describe(name)} is both ${earlier} and ${origin}. Give one of them another name.`,
      );
    }
    this.#origins.set(name, origin);
  }

  /** The node's own name where it has one that is not taken, else one made of the operator and the first output. */
  #nodeName(proto: onnx.INodeProto): string {
    const base = proto.name || `${proto.opType}_${proto.output?.find((output) => output !== '') ?? ''}`;
    let name = base;
    for (let n = 1; this.#nodeNames.has(name); ++n) name = `${base}_${n}`;
    this.#nodeNames.add(name);
    return name;
  }
}
