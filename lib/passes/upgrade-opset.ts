import { Constant } from '../graph/constant';
import { Calibr8Error } from '../errors';
import type { Attribute } from '../graph/attributes';
import type { Graph, Node } from '../graph/graph';

/** Rewrites one operator whose form changed in version `since` of the operator set. Returns undefined where the node reads the same. */
interface Upgrade {
  readonly op: string;
  readonly since: number;
  rewrite(
    node: Node,
    graph: Graph,
  ): { op?: string; inputs: Node['inputs']; attributes: [string, Attribute][] } | undefined;
}

/** Moves list attributes to int64 inputs of the same order. */
const toInputs =
  (names: readonly string[]): Upgrade['rewrite'] =>
  (node, graph) => ({
    inputs: [
      node.inputs[0],
      ...names.map((name) => {
        const values = node.attributes.ints(name);
        return values && graph.addConstant(`${node.name}_${name}`, Constant.int64([values.length], values));
      }),
    ],
    attributes: [...node.attributes.entries()].filter(([name]) => !names.includes(name)),
  });

const scalarsToInputs =
  (names: readonly string[]): Upgrade['rewrite'] =>
  (node, graph) => ({
    inputs: [
      node.inputs[0],
      ...names.map((name) => {
        const value = node.attributes.float(name);
        return value === undefined
          ? undefined
          : graph.addConstant(`${node.name}_${name}`, Constant.float32([], [value]));
      }),
    ],
    attributes: [...node.attributes.entries()].filter(([name]) => !names.includes(name)),
  });

/** Before 13 everything from the axis on was one row; the same where only the axis itself is longer than 1. */
const softmax: Upgrade['rewrite'] = (node) => {
  const shape = node.inputs[0]!.shape;
  const axis = node.attributes.int('axis', 1);
  const positive = shape && axis < 0 ? axis + shape.length : axis;
  if (!shape || shape.slice(positive + 1).some((dim) => dim !== 1)) {
    throw new Calibr8Error(
      'UNSUPPORTED_OPERATOR',
      `${node.label}: over several axes at once, as before opset 13, it cannot be saved. Convert the model to opset 13 or later.`,
    );
  }
  return { inputs: [...node.inputs], attributes: [['axis', { kind: 'int', value: positive }]] };
};

const pad: Upgrade['rewrite'] = (node, graph) => {
  const pads = node.attributes.ints('pads', []);
  const value = node.attributes.float('value', 0);
  return {
    inputs: [
      node.inputs[0],
      graph.addConstant(`${node.name}_pads`, Constant.int64([pads.length], pads)),
      graph.addConstant(`${node.name}_value`, Constant.float32([], [value])),
    ],
    attributes: [...node.attributes.entries()].filter(([name]) => name === 'mode'),
  };
};

/** Upsample and the first Resize scaled without half pixels and rounded down. */
const resize: Upgrade['rewrite'] = (node, graph) => {
  const attribute = node.attributes.floats('scales');
  const scales = attribute
    ? graph.addConstant(`${node.name}_scales`, Constant.float32([attribute.length], attribute))
    : node.inputs[1];
  return {
    op: 'Resize',
    inputs: [node.inputs[0], undefined, scales],
    attributes: [
      ['mode', { kind: 'string', value: node.attributes.string('mode', 'nearest') }],
      ['coordinate_transformation_mode', { kind: 'string', value: 'asymmetric' }],
      ['nearest_mode', { kind: 'string', value: 'floor' }],
    ],
  };
};

/** Drops attributes that newer versions do not have, where inference never asks for them. */
const without =
  (names: readonly string[]): Upgrade['rewrite'] =>
  (node) => ({
    inputs: [...node.inputs],
    attributes: [...node.attributes.entries()].filter(([name]) => !names.includes(name)),
  });

/** One number as an attribute became an int64 input of one element. */
const topK: Upgrade['rewrite'] = (node, graph) => ({
  inputs: [
    node.inputs[0],
    graph.addConstant(`${node.name}_k`, Constant.int64([1], [node.attributes.int('k', 0)])),
  ],
  attributes: [...node.attributes.entries()].filter(([name]) => name !== 'k'),
});

const renamed =
  (op: string): Upgrade['rewrite'] =>
  (node) => ({ op, inputs: [...node.inputs], attributes: [...node.attributes.entries()] });

const UPGRADES: readonly Upgrade[] = [
  { op: 'BatchNormalization', since: 9, rewrite: without(['spatial']) },
  { op: 'TopK', since: 10, rewrite: topK },
  { op: 'Scatter', since: 11, rewrite: renamed('ScatterElements') },
  { op: 'Slice', since: 10, rewrite: toInputs(['starts', 'ends', 'axes']) },
  { op: 'Upsample', since: 10, rewrite: resize },
  { op: 'Resize', since: 11, rewrite: resize },
  { op: 'Clip', since: 11, rewrite: scalarsToInputs(['min', 'max']) },
  { op: 'Pad', since: 11, rewrite: pad },
  { op: 'Dropout', since: 12, rewrite: without(['ratio']) },
  { op: 'Squeeze', since: 13, rewrite: toInputs(['axes']) },
  { op: 'Unsqueeze', since: 13, rewrite: toInputs(['axes']) },
  { op: 'ReduceSum', since: 13, rewrite: toInputs(['axes']) },
  { op: 'Split', since: 13, rewrite: toInputs(['split']) },
  { op: 'Softmax', since: 13, rewrite: softmax },
  { op: 'LogSoftmax', since: 13, rewrite: softmax },
  { op: 'Hardmax', since: 13, rewrite: softmax },
];

/**
 * Raises a graph to a version of the default operator set, so that QuantizeLinear and DequantizeLinear may have an axis.
 * Versions above `target` stay as they are. Per-operator forms are in ONNX's operator changelog.
 */
export function upgradeOpset(graph: Graph, target: number): void {
  const from = graph.opset;
  if (from >= target) return;
  for (const node of [...graph.nodes]) {
    const upgrade = UPGRADES.find(
      ({ op, since }) => node.domain === '' && op === node.op && from < since && since <= target,
    );
    const form = upgrade?.rewrite(node, graph);
    if (!form) continue;
    while (form.inputs.length > 0 && form.inputs[form.inputs.length - 1] === undefined) form.inputs.pop();
    graph.removeNode(node);
    graph.addNode({
      op: form.op ?? node.op,
      name: node.name,
      inputs: form.inputs,
      outputs: node.outputs,
      attributes: form.attributes,
    });
  }
  graph.opset = target;
}
