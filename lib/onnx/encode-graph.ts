import type { onnx } from 'onnx-proto';
import { Calibr8Error } from '../errors';
import type { Constant } from '../graph/constant';
import { DATA_TYPES } from '../graph/data-type';
import type { Dim, Graph, Node, Value } from '../graph/graph';
import { sorted } from '../graph/order';
import { verify } from '../graph/verify';
import { encodeAttribute } from './encode-attribute';
import { EXTERNAL } from './read-tensor';

/** Where a constant's bytes are in the data file beside the model. */
export interface Placement {
  readonly location: string;
  readonly offset: number;
}

/** Says for each constant where outside the model its bytes go; undefined keeps them in the model. */
export type Place = (constant: Constant) => Placement | undefined;

/** The initializers that a model of this graph holds: each used constant once, in the order of its first use. */
export function initializersOf(graph: Graph): Value[] {
  const used = new Set<Value>();
  for (const node of sorted(graph)) for (const input of node.inputs) if (input?.constant) used.add(input);
  for (const output of graph.outputs) if (output.constant) used.add(output);
  return [...used];
}

/** The graph as protobufjs encodes it. The same graph gives the same message. */
export function encodeGraph(graph: Graph, place: Place): onnx.IGraphProto {
  verify(graph);
  const names = new WrittenNames(graph);
  const tensor = (constant: Constant, name?: string): onnx.ITensorProto =>
    encodeTensor(constant, place, name);
  return {
    name: graph.name || 'graph',
    node: [...sorted(graph).map((node) => encodeNode(node, names, tensor)), ...names.identities],
    initializer: initializersOf(graph).map((value) => tensor(value.constant!, names.of(value))),
    input: graph.inputs.map((value) => encodeValue(value, value.name)),
    output: graph.outputs.map((value, index) => encodeValue(value, names.outputs[index]!)),
  };
}

/**
 * What each value is called in the file. ONNX wants every graph output to be made once and by a node, so a constant
 * that is an output, and an output that is listed again, pass through an Identity node: the output keeps its name.
 */
class WrittenNames {
  readonly outputs: string[] = [];
  readonly identities: onnx.INodeProto[] = [];
  readonly #renamed = new Map<Value, string>();
  readonly #taken: Set<string>;

  constructor(graph: Graph) {
    this.#taken = new Set([...graph.values()].map((value) => value.name));
    for (const value of graph.outputs) {
      let name = value.name;
      if (this.outputs.includes(name)) name = this.#unique(`${name}_again`);
      else if (value.constant) this.#renamed.set(value, this.#unique(`${name}_constant`));
      this.outputs.push(name);
      if (name !== this.of(value)) {
        this.identities.push({
          opType: 'Identity',
          name: `Identity_${name}`,
          input: [this.of(value)],
          output: [name],
        });
      }
    }
  }

  of(value: Value): string {
    return this.#renamed.get(value) ?? value.name;
  }

  #unique(base: string): string {
    let name = base;
    for (let n = 1; this.#taken.has(name); ++n) name = `${base}_${n}`;
    this.#taken.add(name);
    return name;
  }
}

function encodeNode(
  node: Node,
  names: WrittenNames,
  tensor: (constant: Constant) => onnx.ITensorProto,
): onnx.INodeProto {
  if (node.postOps.length > 0) {
    throw new Calibr8Error(
      'INTERNAL_GRAPH',
      `Cannot write ${node.label}: ${node.postOps.map(({ kind }) => kind).join(', ')} was fused onto it, which ONNX cannot express. Only graphs before fusing can be written; this is a defect in calibr8.`,
    );
  }
  return {
    opType: node.op,
    ...(node.domain && { domain: node.domain }),
    name: node.name,
    input: withoutAbsentTail(node.inputs.map((value) => (value ? names.of(value) : ''))),
    output: withoutAbsentTail(node.outputs.map((value) => value?.name ?? '')),
    attribute: [...node.attributes.entries()].map(([name, attribute]) =>
      encodeAttribute(name, attribute, node.label, tensor),
    ),
  };
}

function withoutAbsentTail(names: string[]): string[] {
  while (names.at(-1) === '') names.pop();
  return names;
}

function encodeTensor(constant: Constant, place: Place, name?: string): onnx.ITensorProto {
  const placement = place(constant);
  const message: onnx.ITensorProto = {
    ...(name !== undefined && { name }),
    dims: [...constant.dims],
    dataType: DATA_TYPES[constant.dtype].onnx,
  };
  if (!placement) return { ...message, rawData: constant.bytes };
  return {
    ...message,
    dataLocation: EXTERNAL,
    externalData: [
      { key: 'location', value: placement.location },
      { key: 'offset', value: String(placement.offset) },
      { key: 'length', value: String(constant.bytes.byteLength) },
    ],
  };
}

function encodeValue(value: Value, name: string): onnx.IValueInfoProto {
  if (!value.dtype) return { name };
  return {
    name,
    type: {
      tensorType: {
        elemType: DATA_TYPES[value.dtype].onnx,
        ...(value.shape && { shape: { dim: value.shape.map(encodeDim) } }),
      },
    },
  };
}

function encodeDim(dim: Dim): onnx.TensorShapeProto.IDimension {
  if (dim === null) return {};
  return typeof dim === 'string' ? { dimParam: dim } : { dimValue: dim };
}
