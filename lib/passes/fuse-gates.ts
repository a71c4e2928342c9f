import type { Attribute } from '../graph/attributes';
import type { Graph, Node, Value } from '../graph/graph';
import { sorted } from '../graph/order';
import type { Eltwise } from '../ops/definition';
import { operatorOf } from '../ops/registry';
import type { Pass } from './pass';

/**
 * Recognizes activations that exporters write as a product of x and a function of x, Swish as Mul(x, Sigmoid(x)), HardSwish, Mish
 * and Gelu in all their spellings, and makes them one operator, which then runs fused with the layer before it. Where a network is
 * saved, expand-gates writes them out again.
 */
export const fuseGates: Pass = {
  name: 'fuse-gates',
  run(graph) {
    let edits = 0;
    for (const node of sorted(graph)) if (graph.nodes.has(node) && fuse(graph, node)) ++edits;
    return edits;
  },
};

/** A value as scale * base + shift, where nobody else reads what lies between. */
interface Line {
  readonly base: Value;
  readonly scale: number;
  readonly shift: number;
}

/** A product of x and a function of x, up to constants: x (scale f(argument) + shift). */
interface Product {
  readonly x: Value;
  readonly scale: number;
  readonly shift: number;
  /** The node of f. */
  readonly gate: Node;
  /** What the addon calls f; undefined where it has no name there. */
  readonly eltwise: Eltwise | undefined;
  readonly argument: Line;
}

interface Activation {
  readonly op: string;
  readonly attributes?: readonly (readonly [string, Attribute])[];
}

const ACTIVATIONS: readonly ((product: Product, graph: Graph) => Activation | undefined)[] = [
  ({ x, scale, shift, gate, argument }) => {
    const erf = gate.op === 'Erf' && gate.domain === '' && argument.base === x;
    return erf && near(scale, 0.5) && near(shift, 0.5) && isLine(argument, Math.SQRT1_2, 0)
      ? { op: 'Gelu' }
      : undefined;
  },
  ({ x, scale, shift, eltwise, argument }) => {
    const logistic = eltwise?.algorithm === 'logistic' && argument.base === x && argument.shift === 0;
    return logistic && near(scale, 1) && shift === 0
      ? { op: 'Swish', attributes: [['alpha', { kind: 'float', value: argument.scale }]] }
      : undefined;
  },
  ({ x, scale, shift, eltwise, argument }) => {
    if (!eltwise || shift !== 0 || argument.base !== x) return undefined;
    const { algorithm, alpha, beta } = eltwise;
    const clipped = algorithm === 'clip' && alpha === 0 && beta === 6;
    const rescaled = { scale: alpha * argument.scale, shift: alpha * argument.shift + beta };
    const found = clipped
      ? near(scale, 1 / 6) && isLine(argument, 1, 3)
      : algorithm === 'hardsigmoid' && near(scale, 1) && isLine(rescaled, 1 / 6, 0.5);
    return found ? { op: 'HardSwish' } : undefined;
  },
  ({ x, scale, shift, eltwise, argument }, graph) => {
    const tanh = eltwise?.algorithm === 'tanh' && near(scale, 1) && shift === 0;
    return tanh && isSoftplus(graph, argument, x) ? { op: 'Mish' } : undefined;
  },
];

function fuse(graph: Graph, node: Node): boolean {
  if (node.op !== 'Mul' || node.domain !== '') return false;
  const [a, b] = node.inputs.map((value) => lineOf(graph, value!)) as [Line, Line];
  let factor = 1;
  // Factors may follow the product.
  for (let root: Node | undefined = node; root; root = nextFactor(graph, root)) {
    if (root !== node) factor *= scalarOf(root)!.scale;
    for (const product of [productOf(graph, a, b, factor), productOf(graph, b, a, factor)]) {
      const activation = product && recognize(graph, product);
      if (!activation) continue;
      const { name, outputs } = root;
      graph.removeNode(root);
      graph.addNode({ attributes: [], ...activation, name, inputs: [product.x], outputs });
      return true;
    }
  }
  return false;
}

function recognize(graph: Graph, product: Product): Activation | undefined {
  for (const recognizer of ACTIVATIONS) {
    const found = recognizer(product, graph);
    if (found) return found;
  }
  return undefined;
}

function productOf(graph: Graph, x: Line, other: Line, factor: number): Product | undefined {
  const gate = other.base.producer;
  if (x.shift !== 0 || x.base.constant || !gate?.inputs[0] || !graph.hasSingleUse(other.base))
    return undefined;
  return {
    x: x.base,
    scale: factor * x.scale * other.scale,
    shift: factor * x.scale * other.shift,
    gate,
    eltwise: operatorOf(gate).eltwise?.(gate, graph.opset),
    argument: lineOf(graph, gate.inputs[0]),
  };
}

function isSoftplus(graph: Graph, argument: Line, x: Value): boolean {
  const node = argument.base.producer;
  if (!node || !isLine(argument, 1, 0) || !graph.hasSingleUse(argument.base) || node.inputs[0] !== x)
    return false;
  const eltwise = operatorOf(node).eltwise?.(node, graph.opset);
  return eltwise?.algorithm === 'soft_relu' && eltwise.alpha === 1;
}

const isLine = (
  { scale, shift }: Pick<Line, 'scale' | 'shift'>,
  wantedScale: number,
  wantedShift: number,
): boolean => near(scale, wantedScale) && near(shift, wantedShift);

/** Constants in files are float32 and often rounded further. */
const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-5 * Math.max(1, Math.abs(b));

/** The value seen through arithmetic with single constants that it alone comes from. */
function lineOf(graph: Graph, value: Value): Line {
  let [base, scale, shift] = [value, 1, 0];
  for (let node = base.producer; node && graph.hasSingleUse(base); node = base.producer) {
    const step = scalarOf(node);
    if (!step) break;
    shift += scale * step.shift;
    scale *= step.scale;
    base = node.inputs[step.data]!;
  }
  return { base, scale, shift };
}

/** What a node does where it is arithmetic with one constant. */
function scalarOf(node: Node): { data: number; scale: number; shift: number } | undefined {
  const affine = operatorOf(node).channelAffine?.(node);
  if (!affine || affine.axis !== undefined || affine.scale.length !== 1) return undefined;
  return { data: affine.data, scale: affine.scale[0]!, shift: affine.shift[0]! };
}

/** The multiplication by one constant that alone reads the node's result. */
function nextFactor(graph: Graph, node: Node): Node | undefined {
  const result = node.outputs[0]!;
  if (!graph.hasSingleUse(result)) return undefined;
  const [consumer] = result.consumers;
  return scalarOf(consumer!)?.shift === 0 ? consumer : undefined;
}
