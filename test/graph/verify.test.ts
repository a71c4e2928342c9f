import { Constant } from '../../lib/graph/constant';
import { clone } from '../../lib/graph/clone';
import { Graph, type Node, type Value } from '../../lib/graph/graph';
import { sorted } from '../../lib/graph/order';
import { verify } from '../../lib/graph/verify';

/** x -> Relu -> a -> Add(a, w) -> y */
function build(): { graph: Graph; x: Value; a: Value; w: Value; y: Value; relu: Node; add: Node } {
  const graph = new Graph('g', 17);
  const x = graph.addValue('x', { dtype: 'float32', shape: [2] });
  graph.inputs.push(x);
  const a = graph.addValue('a');
  const w = graph.addConstant('w', Constant.float32([2], [1, 2]));
  const y = graph.addValue('y');
  // Added against the order of execution, which a graph need not keep.
  const add = graph.addNode({ op: 'Add', name: 'add', inputs: [a, w], outputs: [y] });
  const relu = graph.addNode({ op: 'Relu', name: 'relu', inputs: [x], outputs: [a] });
  graph.outputs.push(y);
  return { graph, x, a, w, y, relu, add };
}

test('a sound graph passes', () => {
  expect(() => verify(build().graph)).not.toThrow();
});

type Parts = ReturnType<typeof build>;

test.each<[string, (parts: Parts) => void, RegExp]>([
  [
    'two values of one name',
    ({ graph, relu }) => graph.setOutput(relu, 0, Object.assign(graph.addValue('n'), { name: 'x' })),
    /two values are named "x"/,
  ],
  [
    'a constant with a producer',
    ({ a }) => (a.constant = Constant.float32([1], [1])),
    /"a" is a constant and has a producer/,
  ],
  [
    'a producer that was removed',
    ({ graph, x, relu }) => {
      graph.nodes.delete(relu);
      x.consumers.delete(relu);
    },
    /"a" is made by a node that was removed/,
  ],
  [
    'a consumer that was removed',
    ({ graph, y, add }) => {
      graph.nodes.delete(add);
      y.producer = undefined;
    },
    /"a" is used by a node that was removed/,
  ],
  [
    'a consumer that does not use it',
    ({ x, add }) => x.consumers.add(add),
    /"x" lists Add node "add" as a consumer, which does not use it/,
  ],
  [
    'a use that is not listed',
    ({ a, add }) => a.consumers.delete(add),
    /Add node "add" uses "a", which does not list it/,
  ],
  [
    'a value that nothing makes',
    ({ graph }) => graph.inputs.pop(),
    /Relu node "relu" uses "x", which nothing makes/,
  ],
  [
    'an output with another producer',
    ({ a, add }) => (a.producer = add),
    /Relu node "relu" makes "a", which names another producer/,
  ],
  [
    'a graph output that nothing makes',
    ({ graph }) => graph.outputs.push(graph.addValue('z')),
    /the output "z" has no producer/,
  ],
  [
    'a post-op without its source',
    ({ add }) => (add.postOps = [{ kind: 'sum', input: 5 }]),
    /a post-op of Add node "add" takes input 5, which is absent/,
  ],
])('verify names %s', (_, spoil, message) => {
  const parts = build();
  spoil(parts);
  const check = (): void => verify(parts.graph);
  expect(check).toThrow(message);
  expect(check).toThrow(expect.objectContaining({ code: 'INTERNAL_GRAPH' }));
});

describe('sorted', () => {
  test('puts producers before consumers', () => {
    const { graph, relu, add } = build();
    expect(sorted(graph)).toEqual([relu, add]);
  });

  test('a cycle is an error that names a node of it', () => {
    const { graph, relu, y } = build();
    graph.setInput(relu, 0, y);
    expect(() => sorted(graph)).toThrow(
      expect.objectContaining({
        code: 'INVALID_MODEL',
        message: expect.stringMatching(/2 nodes wait for each other, among them (Add|Relu) node/),
      }),
    );
  });

  test('a deep graph does not overflow the stack', () => {
    const graph = new Graph('deep', 17);
    let value = graph.addValue('x');
    graph.inputs.push(value);
    for (let i = 0; i < 20000; ++i) {
      const next = graph.addValue(`v${i}`);
      graph.addNode({ op: 'Relu', name: `n${i}`, inputs: [value], outputs: [next] });
      value = next;
    }
    graph.outputs.push(value);
    expect(sorted(graph)).toHaveLength(20000);
    expect(() => verify(graph)).not.toThrow();
  });
});

describe('edits keep links right', () => {
  test('replaceUses moves consumers and outputs', () => {
    const { graph, x, a, y, add } = build();
    graph.replaceUses(a, x);
    expect([...a.consumers]).toEqual([]);
    expect(add.inputs[0]).toBe(x);
    graph.replaceUses(y, a);
    expect(graph.outputs).toEqual([a]);
    expect(() => verify(graph)).not.toThrow();
  });

  test('a node that uses a value twice remains its consumer until both are gone', () => {
    const { graph, x, a, add } = build();
    graph.setInput(add, 1, a);
    expect(graph.hasSingleUse(a)).toBe(false);
    graph.setInput(add, 0, x);
    expect(a.consumers.has(add)).toBe(true);
    graph.setInput(add, 1, x);
    expect(a.consumers.has(add)).toBe(false);
  });

  test('a name that is taken gets a suffix', () => {
    const { graph } = build();
    expect([graph.addValue('x').name, graph.addValue('x').name]).toEqual(['x_1', 'x_2']);
  });

  test('a clone is equal, and edits of it leave the original alone', () => {
    const { graph, relu } = build();
    const { graph: copy } = clone(graph);
    expect(() => verify(copy)).not.toThrow();
    expect(sorted(copy).map(({ label }) => label)).toEqual(sorted(graph).map(({ label }) => label));
    for (const node of [...copy.nodes]) copy.removeNode(node);
    expect(graph.nodes.has(relu)).toBe(true);
    expect(() => verify(graph)).not.toThrow();
  });
});
