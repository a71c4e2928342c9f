import type { Attribute } from '../graph/attributes';
import { Constant } from '../graph/constant';
import type { Graph, Node, Value } from '../graph/graph';
import { sorted } from '../graph/order';
import type { Pass } from './pass';

type Inputs = readonly (Value | undefined)[];
type Attributes = (readonly [string, Attribute])[];

/**
 * Writes operators on quantized numbers (QLinearConv and its kin, ONNX's and onnxruntime's) as what they stand for: their real
 * counterpart between DequantizeLinear and QuantizeLinear, which execution takes in again.
 */
export const expandQuantizedOperators: Pass = {
  name: 'expand-quantized-operators',
  run(graph) {
    let edits = 0;
    for (const node of sorted(graph)) {
      const expand = EXPANSIONS.get(node.domain === '' ? node.op : `${node.domain}.${node.op}`);
      if (!expand) continue;
      graph.removeNode(node);
      expand(new Expansion(graph, node));
      ++edits;
    }
    return edits;
  },
};

class Expansion {
  constructor(
    readonly graph: Graph,
    readonly node: Node,
  ) {}

  get inputs(): Inputs {
    return this.node.inputs;
  }

  /** The real values of the quantized input at `index`, whose scale and zero point follow it. */
  real(index: number, axis?: number): Value {
    const [stored, scale, zero] = this.inputs.slice(index, index + 3);
    return this.add('DequantizeLinear', [stored, scale, zero], axisOf(axis), `dequantize${index}`);
  }

  /** An int32 bias, whose scale is the product of data's and weights' scales. */
  bias(index: number, dataScale: Value, weightScale: Value): Value | undefined {
    const stored = this.inputs[index];
    if (!stored) return undefined;
    return this.add('DequantizeLinear', [stored, this.#product(dataScale, weightScale)], axisOf(0), 'bias');
  }

  add(op: string, inputs: Inputs, attributes: Attributes, what: string): Value {
    const result = this.graph.addValue(`${this.node.name}/${what}`);
    this.graph.addNode({ op, name: result.name, inputs, outputs: [result], attributes });
    return result;
  }

  /** Ends in the node's own output, quantized where it has a scale. */
  finish(
    op: string,
    inputs: Inputs,
    attributes: Attributes,
    scale: Value | undefined,
    zero: Value | undefined,
  ): void {
    const { graph, node } = this;
    const outputs = node.outputs;
    if (!scale) {
      graph.addNode({ op, name: node.name, inputs, outputs, attributes });
      return;
    }
    const result = graph.addValue(`${node.name}/real`);
    graph.addNode({ op, name: node.name, inputs, outputs: [result], attributes });
    graph.addNode({
      op: 'QuantizeLinear',
      name: `${node.name}/quantize`,
      inputs: [result, scale, zero],
      outputs,
    });
  }

  attributes(...without: string[]): Attributes {
    return [...this.node.attributes.entries()].filter(([name]) => !without.includes(name));
  }

  #product(a: Value, b: Value): Value {
    if (!a.constant || !b.constant) return this.add('Mul', [a, b], [], 'bias_scale');
    const [factor] = a.constant.toFloat32();
    const scales = b.constant.toFloat32().map((scale) => scale * factor!);
    return this.graph.addConstant(`${this.node.name}/bias_scale`, Constant.float32(b.constant.dims, scales));
  }
}

function axisOf(axis: number | undefined): Attributes {
  return axis === undefined ? [] : [['axis', { kind: 'int', value: axis }]];
}

/** One operand, then scale and zero point of the result. */
const unary =
  (op: string) =>
  (node: Expansion): void =>
    node.finish(op, [node.real(0)], node.attributes('channels_last'), node.inputs[3], node.inputs[4]);

const binary =
  (op: string) =>
  (node: Expansion): void =>
    node.finish(op, [node.real(0), node.real(3)], node.attributes(), node.inputs[6], node.inputs[7]);

const EXPANSIONS = new Map<string, (node: Expansion) => void>([
  [
    'QLinearConv',
    (node) => {
      const [, dataScale, , , weightScale, , scale, zero] = node.inputs;
      const inputs = [node.real(0), node.real(3, 0), node.bias(8, dataScale!, weightScale!)];
      node.finish('Conv', inputs[2] ? inputs : inputs.slice(0, 2), node.attributes(), scale, zero);
    },
  ],
  [
    // Scales of the left matrix may be one a row, of the right one one a column.
    'QLinearMatMul',
    (node) => node.finish('MatMul', [node.real(0, -2), node.real(3, -1)], [], node.inputs[6], node.inputs[7]),
  ],
  [
    'com.microsoft.QGemm',
    (node) => {
      const [, dataScale, , , weightScale, , , scale, zero] = node.inputs;
      const transposed = node.node.attributes.int('transB', 0) !== 0;
      const inputs = [node.real(0), node.real(3, transposed ? 0 : 1), node.bias(6, dataScale!, weightScale!)];
      node.finish('Gemm', inputs[2] ? inputs : inputs.slice(0, 2), node.attributes(), scale, zero);
    },
  ],
  [
    'com.microsoft.QLinearConcat',
    (node) => {
      const [scale, zero, ...parts] = node.inputs;
      const reals = parts.filter((_, i) => i % 3 === 0).map((_, i) => node.real(2 + 3 * i));
      node.finish('Concat', reals, node.attributes(), scale, zero);
    },
  ],
  ['com.microsoft.QLinearAdd', binary('Add')],
  ['com.microsoft.QLinearMul', binary('Mul')],
  ['com.microsoft.QLinearSigmoid', unary('Sigmoid')],
  ['com.microsoft.QLinearLeakyRelu', unary('LeakyRelu')],
  ['com.microsoft.QLinearAveragePool', unary('AveragePool')],
  ['com.microsoft.QLinearGlobalAveragePool', unary('GlobalAveragePool')],
]);
