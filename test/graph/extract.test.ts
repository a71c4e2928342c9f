import { Constant } from '../../lib/graph/constant';
import { extract } from '../../lib/graph/extract';
import { Graph, type Value } from '../../lib/graph/graph';
import { verify } from '../../lib/graph/verify';

/** x -> Relu -> a -> Split -> (b, c); Add(b, w) -> d; Mul(c, y) -> e, with a second graph input y. */
function build(): { graph: Graph; value: (name: string) => Value } {
  const graph = new Graph('whole', 17);
  graph.domains.set('ai.onnx.ml', 3);
  const names = ['x', 'y', 'a', 'b', 'c', 'd', 'e'];
  const values = new Map(names.map((name) => [name, graph.addValue(name, { dtype: 'float32', shape: [4] })]));
  const value = (name: string): Value => values.get(name)!;
  graph.inputs.push(value('x'), value('y'));
  const w = graph.addConstant('w', Constant.float32([2], [1, 2]));
  values.set('w', w);
  const node = (op: string, inputs: Value[], outputs: string[]): void =>
    void graph.addNode({ op, name: op, inputs, outputs: outputs.map(value) });
  node('Relu', [value('x')], ['a']);
  node('Split', [value('a')], ['b', 'c']);
  node('Add', [value('b'), w], ['d']);
  node('Mul', [value('c'), value('y')], ['e']);
  graph.outputs.push(value('d'), value('e'));
  return { graph, value };
}

const namesOf = (values: Iterable<{ name: string }>): string[] => [...values].map(({ name }) => name);

describe('extract', () => {
  it('takes what computes the outputs from the inputs, and nothing else', () => {
    const { graph, value } = build();
    const { graph: part, values } = extract(graph, [value('a')], [value('d')]);
    verify(part);
    expect(namesOf(part.nodes)).toEqual(['Split', 'Add']);
    expect(namesOf(part.inputs)).toEqual(['a']);
    expect(namesOf(part.outputs)).toEqual(['d']);
    expect(values.get(value('a'))!.producer).toBeUndefined();
    expect(values.get(value('w'))!.constant).toBe(value('w').constant);
    expect([part.name, part.opset, part.domains.get('ai.onnx.ml')]).toEqual(['whole', 17, 3]);
  });

  it('adds the inputs of the graph that the outputs need beyond those given', () => {
    const { graph, value } = build();
    const { graph: part } = extract(graph, [value('c')], [value('e')]);
    verify(part);
    expect(namesOf(part.inputs)).toEqual(['c', 'y']);
    expect(namesOf(part.nodes)).toEqual(['Mul']);
  });

  it('keeps given inputs that nothing needs, and the order in which outputs are asked for', () => {
    const { graph, value } = build();
    const { graph: part, values } = extract(graph, [value('y'), value('a')], [value('d'), value('b')]);
    verify(part);
    expect(namesOf(part.inputs)).toEqual(['y', 'a']);
    expect(values.get(value('y'))!.consumers.size).toBe(0);
    expect(namesOf(part.outputs)).toEqual(['d', 'b']);
  });

  it('gives an input back where it is asked for as an output', () => {
    const { graph, value } = build();
    const { graph: part } = extract(graph, [value('a')], [value('a')]);
    verify(part);
    expect(part.outputs).toEqual(part.inputs);
    expect(part.nodes.size).toBe(0);
  });

  it('leaves the whole as it was', () => {
    const { graph, value } = build();
    const { graph: part, values } = extract(graph, graph.inputs, graph.outputs);
    part.removeNode([...part.nodes][0]!);
    values.get(value('d'))!.shape = [1];
    verify(graph);
    expect(graph.nodes.size).toBe(4);
    expect(value('d').shape).toEqual([4]);
  });
});
