import type { Attribute } from '../graph/attributes';
import { Calibr8Error } from '../errors';
import { Constant } from '../graph/constant';
import type { Graph, Node, Value } from '../graph/graph';
import { sorted } from '../graph/order';
import { findOperator } from '../ops/registry';
import type { Pass } from './pass';

/** The first version whose operators broadcast as numpy does; what is older is brought to it. */
const MODERN = 7;

interface Form {
  inputs: Node['inputs'];
  attributes: [string, Attribute][];
  outputs?: Node['outputs'];
}

type Rewrite = (node: Node, graph: Graph, attributes: [string, Attribute][]) => Form;

/**
 * Rewrites the operators of versions 1 to 6 as version 7 has them. Some forms need shapes, so types are inferred on the way;
 * `consumed_inputs`, a hint about memory, goes.
 */
export const modernize: Pass = {
  name: 'modernize',
  run(graph) {
    const { opset } = graph;
    if (opset >= MODERN) return 0;
    let edits = 0;
    for (const node of sorted(graph)) {
      const current = rewrite(graph, node, opset);
      if (current !== node) ++edits;
      const types = findOperator(current)?.infer(current, MODERN);
      current.outputs.forEach((value, index) => {
        const type = types?.[index];
        if (!value || !type) return;
        value.dtype = type.dtype;
        if (type.shape) value.shape = type.shape;
      });
    }
    graph.opset = MODERN;
    return edits;
  },
};

function rewrite(graph: Graph, node: Node, opset: number): Node {
  const change = REWRITES.get(node.op);
  const entries = [...node.attributes.entries()];
  const attributes = entries.filter(([name]) => !['consumed_inputs', 'is_test'].includes(name));
  const form = change?.since(opset)
    ? change.rewrite(node, graph, attributes)
    : { inputs: [...node.inputs], attributes };
  if (!change && attributes.length === entries.length) return node;
  graph.removeNode(node);
  const { op, name, domain } = node;
  return graph.addNode({
    op,
    name,
    domain,
    outputs: form.outputs ?? node.outputs,
    inputs: form.inputs,
    attributes: form.attributes,
  });
}

const drop = (attributes: readonly [string, Attribute][], ...names: string[]): [string, Attribute][] =>
  attributes.filter(([name]) => !names.includes(name));

/** Lays the second operand along the axes of the first from `axis` on, where that is not its end. */
const aligned: Rewrite = (node, graph, attributes) => {
  const [a, b] = node.inputs as [Value, Value];
  const rank = a.shape?.length;
  const own = b.shape?.length;
  const axis = node.attributes.int('axis');
  const form = (second: Value): Form => ({
    inputs: [a, second],
    attributes: drop(attributes, 'broadcast', 'axis'),
  });
  if (!node.attributes.int('broadcast', 0) || axis === undefined || rank === undefined || own === undefined)
    return form(b);
  const missing = rank - (axis < 0 ? axis + rank : axis) - own;
  return form(missing > 0 ? withTrailingOnes(graph, node, b, missing) : b);
};

function withTrailingOnes(graph: Graph, node: Node, value: Value, count: number): Value {
  const rank = value.shape!.length;
  const ones = new Array<number>(count).fill(1);
  const name = `${node.name}/aligned`;
  if (value.constant) {
    const { dtype, dims, bytes } = value.constant;
    return graph.addConstant(name, new Constant(dtype, [...dims, ...ones], bytes));
  }
  const result = graph.addValue(name, { dtype: value.dtype, shape: [...value.shape!, ...ones] });
  graph.addNode({
    op: 'Unsqueeze',
    name,
    inputs: [value],
    outputs: [result],
    attributes: [['axes', { kind: 'ints', value: ones.map((_, i) => rank + i) }]],
  });
  return result;
}

/** One slope for all, or one a channel. */
const slopes: Rewrite = (node, graph, attributes) => {
  const [x, slope] = node.inputs as [Value, Value];
  const rank = x.shape?.length ?? 2;
  const perChannel = slope.dims?.length === 1 && slope.dims[0]! > 1 && rank > 2;
  return { inputs: [x, perChannel ? withTrailingOnes(graph, node, slope, rank - 2) : slope], attributes };
};

/** Turns a list attribute into an int64 input. */
const listToInput =
  (name: string): Rewrite =>
  (node, graph, attributes) => {
    const values = node.attributes.ints(name);
    const inputs = [...node.inputs];
    if (values)
      inputs.push(graph.addConstant(`${node.name}/${name}`, Constant.int64([values.length], values)));
    return { inputs, attributes: drop(attributes, name) };
  };

const renamed =
  (from: string, to: string): Rewrite =>
  (node, _, attributes) => ({
    inputs: [...node.inputs],
    attributes: attributes.map(([name, value]) => [name === from ? to : name, value]),
  });

/** Where one factor each for height and width stood, a list of factors of all axes stands later. */
const factors: Rewrite = (node, _, attributes) => {
  const [height, width] = ['height_scale', 'width_scale'].map((name) => node.attributes.float(name, 1));
  const scales: [string, Attribute] = ['scales', { kind: 'floats', value: [1, 1, height!, width!] }];
  const rest = drop(attributes, 'height_scale', 'width_scale');
  return { inputs: [...node.inputs], attributes: node.attributes.has('scales') ? rest : [...rest, scales] };
};

const withDefault =
  (name: string, value: number): Rewrite =>
  (node, _, attributes) => ({
    inputs: [...node.inputs],
    attributes: node.attributes.has(name) ? attributes : [...attributes, [name, { kind: 'int', value }]],
  });

/** ONNX's names of element types by their numbers, which a Cast had for its target. */
const TYPE_NAMES = [
  ...['UNDEFINED', 'FLOAT', 'UINT8', 'INT8', 'UINT16', 'INT16', 'INT32', 'INT64', 'STRING', 'BOOL'],
  ...['FLOAT16', 'DOUBLE', 'UINT32', 'UINT64', 'COMPLEX64', 'COMPLEX128'],
];

const numbered: Rewrite = (node, _, attributes) => ({
  inputs: [...node.inputs],
  attributes: attributes.map(([name, attribute]) => [
    name,
    attribute.kind === 'string' ? { kind: 'int', value: TYPE_NAMES.indexOf(attribute.value) } : attribute,
  ]),
});

/** A number of repeats along one axis, instead of one for each axis. */
const repeats: Rewrite = (node, graph, attributes) => {
  const [x, tiles, axis] = node.inputs;
  const [count, along] = [tiles, axis].map((value) => value?.constant?.toNumbers()[0]);
  const rank = x?.shape?.length;
  if (count === undefined || along === undefined || rank === undefined) {
    throw new Calibr8Error(
      'UNSUPPORTED_OPERATOR',
      `${node.label}: expected constant tiles and axis and data of a known rank. Convert the model to opset 7 or later.`,
    );
  }
  const list = Array.from({ length: rank }, (_, a) => (a === along ? count : 1));
  return { inputs: [x, graph.addConstant(`${node.name}/repeats`, Constant.int64([rank], list))], attributes };
};

/** Norms had a real p. */
const wholeP: Rewrite = (node, _, attributes) => ({
  inputs: [...node.inputs],
  attributes: attributes.map(([name, attribute]) => [
    name,
    name === 'p' && attribute.kind === 'float' ? { kind: 'int', value: attribute.value } : attribute,
  ]),
});

/** Inference makes the first output alone; the others belong to training. */
const firstOutput: Rewrite = (node, _, attributes) => ({
  inputs: [...node.inputs],
  attributes,
  outputs: [node.outputs[0]],
});

const always = (): boolean => true;
const before =
  (version: number) =>
  (opset: number): boolean =>
    opset < version;

const ALIGNED = ['Add', 'Sub', 'Mul', 'Div', 'Pow', 'And', 'Or', 'Xor', 'Equal', 'Greater', 'Less'];

const REWRITES = new Map<string, { since(opset: number): boolean; rewrite: Rewrite }>([
  ...ALIGNED.map((op) => [op, { since: always, rewrite: aligned }] as const),
  [
    'Gemm',
    {
      since: always,
      rewrite: (node, _, attributes) => ({
        inputs: [...node.inputs],
        attributes: drop(attributes, 'broadcast'),
      }),
    },
  ],
  ['PRelu', { since: always, rewrite: slopes }],
  ['BatchNormalization', { since: always, rewrite: firstOutput }],
  ['Cast', { since: before(6), rewrite: numbered }],
  ['Tile', { since: before(6), rewrite: repeats }],
  ['Reshape', { since: before(5), rewrite: listToInput('shape') }],
  ['Pad', { since: before(2), rewrite: renamed('paddings', 'pads') }],
  ['Concat', { since: before(4), rewrite: withDefault('axis', 1) }],
  ['Upsample', { since: before(7), rewrite: factors }],
  ['LpPool', { since: before(2), rewrite: wholeP }],
  ['GlobalLpPool', { since: before(2), rewrite: wholeP }],
  ['LpNormalization', { since: before(2), rewrite: wholeP }],
]);
