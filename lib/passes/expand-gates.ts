import { Constant } from '../graph/constant';
import type { Attribute } from '../graph/attributes';
import type { Graph, Node, Value } from '../graph/graph';
import type { Pass } from './pass';

/** From which version of the operator set on a file may hold the operator, and what it stands for before. */
interface Gate {
  readonly since: number;
  expand(writer: Writer, x: Value, node: Node): Value;
}

const GATES: Readonly<Record<string, Gate>> = {
  Swish: {
    since: 24,
    expand(writer, x, node) {
      const alpha = node.attributes.float('alpha', 1);
      const argument = alpha === 1 ? x : writer.add('Mul', x, alpha);
      return writer.add('Mul', x, writer.add('Sigmoid', argument));
    },
  },
  HardSwish: {
    since: 14,
    expand(writer, x) {
      const third: Attribute = { kind: 'float', value: 1 / 6 };
      return writer.add('Mul', x, writer.add('HardSigmoid', x, undefined, [['alpha', third]]));
    },
  },
  Mish: {
    since: 18,
    expand: (writer, x) => writer.add('Mul', x, writer.add('Tanh', writer.add('Softplus', x))),
  },
  Gelu: {
    since: 20,
    expand(writer, x) {
      const erf = writer.add('Erf', writer.add('Mul', x, Math.SQRT1_2));
      return writer.add('Mul', writer.add('Mul', x, writer.add('Add', erf, 1)), 0.5);
    },
  },
};

/** Adds nodes that stand in for one, with names after its own. */
class Writer {
  #count = 0;

  constructor(
    readonly graph: Graph,
    readonly name: string,
    /** Has the type and shape of all results. */
    readonly like: Value,
  ) {}

  add(
    op: string,
    x: Value,
    other?: Value | number,
    attributes: readonly (readonly [string, Attribute])[] = [],
  ): Value {
    const name = `${this.name}/${op}${this.#count++}`;
    const operand =
      typeof other === 'number'
        ? this.graph.addConstant(`${name}/constant`, Constant.float32([], [other]))
        : other;
    const result = this.graph.addValue(name, this.like);
    this.graph.addNode({ op, name, inputs: operand ? [x, operand] : [x], outputs: [result], attributes });
    return result;
  }
}

/** Writes out activations that the graph's version of the operator set does not have yet. The opposite of fuse-gates. */
export const expandGates: Pass = {
  name: 'expand-gates',
  run(graph) {
    let edits = 0;
    for (const node of [...graph.nodes]) {
      const gate = node.domain === '' && Object.hasOwn(GATES, node.op) ? GATES[node.op]! : undefined;
      if (!gate || graph.opset >= gate.since) continue;
      const [x, result] = [node.inputs[0]!, node.outputs[0]!];
      graph.removeNode(node);
      const last = gate.expand(new Writer(graph, node.name, x), x, node).producer!;
      graph.setOutput(last, 0, result);
      ++edits;
    }
    return edits;
  },
};
