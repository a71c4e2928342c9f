import { onnx } from 'onnx-proto';
import { version } from '../../package.json';
import { Calibr8Error } from '../../lib/errors';
import { Constant } from '../../lib/graph/constant';
import { Graph, type NodeSpec } from '../../lib/graph/graph';
import { readModel, writeModel } from '../../lib/onnx';
import { summary } from './support';

interface Parts {
  graph: Graph;
  decoded: () => onnx.ModelProto;
}

/** x -> nodes that `build` adds. */
function graphOf(build: (graph: Graph) => void, opset = 17): Parts {
  const graph = new Graph('net', opset);
  graph.inputs.push(graph.addValue('x', { dtype: 'float32', shape: ['batch', null, 4] }));
  build(graph);
  return { graph, decoded: () => onnx.ModelProto.decode(writeModel(graph)) };
}

function add(graph: Graph, spec: Partial<NodeSpec> & { op: string }, output: string) {
  const value = graph.addValue(output, { dtype: 'float32', shape: ['batch', null, 4] });
  graph.addNode({ name: `node_${output}`, inputs: [graph.inputs[0]], outputs: [value], ...spec });
  return value;
}

const relu = (graph: Graph): void => void graph.outputs.push(add(graph, { op: 'Relu' }, 'y'));

test('says who made it, for which operator sets, and what its values are', () => {
  const { graph, decoded } = graphOf((g) => {
    g.outputs.push(add(g, { op: 'Act', domain: 'b' }, 'y'), add(g, { op: 'Act', domain: 'a' }, 'z'));
    g.domains.set('b', 3).set('unused', 1);
    g.metadata.set('author', 'me');
  });
  const message = decoded().toJSON() as onnx.IModelProto;
  expect(message).toMatchObject({
    irVersion: '8',
    producerName: 'calibr8',
    producerVersion: version,
    opsetImport: [
      { domain: '', version: '17' },
      { domain: 'a', version: '1' },
      { domain: 'b', version: '3' },
    ],
    metadataProps: [{ key: 'author', value: 'me' }],
  });
  expect(message.graph!.input).toEqual([
    {
      name: 'x',
      type: { tensorType: { elemType: 1, shape: { dim: [{ dimParam: 'batch' }, {}, { dimValue: '4' }] } } },
    },
  ]);
  expect(message.graph!.output!.map(({ name }) => name)).toEqual(['y', 'z']);
  expect(graph.name).toBe(message.graph!.name);
});

test.each([
  [13, 8],
  [17, 8],
  [20, 9],
  [22, 10],
  [23, 11],
  [25, 13],
  [28, 14],
])('operator set %i is written as IR version %i', (opset, ir) => {
  expect(Number(graphOf(relu, opset).decoded().irVersion)).toBe(ir);
});

test('nodes are in order, constants used are written once, others not at all', () => {
  const { decoded } = graphOf((g) => {
    const w = g.addConstant('w', Constant.float32([4], [1, 2, 3, 4]));
    g.addConstant('unused', Constant.float32([1], [1]));
    const middle = g.addValue('middle');
    g.outputs.push(add(g, { op: 'Add', inputs: [middle, w] }, 'y'));
    g.addNode({ op: 'Mul', name: 'first', inputs: [g.inputs[0], w], outputs: [middle] });
  });
  const { node, initializer } = decoded().graph!;
  expect(node!.map(({ opType }) => opType)).toEqual(['Mul', 'Add']);
  expect(initializer!.map(({ name }) => name)).toEqual(['w']);
  expect(initializer![0]!.rawData).toHaveLength(16);
});

test('absent inputs and outputs are empty names, and left out at the end', () => {
  const { decoded } = graphOf((g) => {
    const [x] = g.inputs;
    const y = g.addValue('y');
    g.outputs.push(y);
    g.addNode({ op: 'Clip', name: 'clip', inputs: [x, undefined, x, undefined], outputs: [y, undefined] });
  });
  expect(decoded().graph!.node![0]).toMatchObject({ input: ['x', '', 'x'], output: ['y'] });
});

test('attributes of every kind come back', async () => {
  const { graph } = graphOf((g) => {
    g.outputs.push(
      add(
        g,
        {
          op: 'Slice',
          attributes: [
            ['int', { kind: 'int', value: -5 }],
            ['end', { kind: 'int', value: 2 ** 63 }],
            ['start', { kind: 'int', value: -(2 ** 63) }],
            ['large', { kind: 'int', value: 2 ** 60 }],
            ['ints', { kind: 'ints', value: [1, -2, 2 ** 63] }],
            ['none', { kind: 'ints', value: [] }],
            ['float', { kind: 'float', value: 0.5 }],
            ['floats', { kind: 'floats', value: [0.25, Infinity] }],
            ['string', { kind: 'string', value: 'é' }],
            ['strings', { kind: 'strings', value: ['a', ''] }],
            ['tensor', { kind: 'tensor', value: Constant.int64([2], [1, 2n ** 62n]) }],
          ],
        },
        'y',
      ),
    );
  });
  expect(summary(await readModel(writeModel(graph)))).toEqual(summary(graph));
});

test('the end of int64 stays INT64_MAX in the file, where doubles would wrap', () => {
  const { decoded } = graphOf(
    (g) =>
      void g.outputs.push(
        add(g, { op: 'Slice', attributes: [['ends', { kind: 'ints', value: [2 ** 63] }]] }, 'y'),
      ),
  );
  expect(String(decoded().graph!.node![0]!.attribute![0]!.ints![0])).toBe('9223372036854775807');
});

test('a constant output and a repeated one pass through Identity and keep their names', async () => {
  const { graph, decoded } = graphOf((g) => {
    const c = g.addConstant('c', Constant.float32([2], [1, 2]));
    const y = add(g, { op: 'Add', inputs: [g.inputs[0], c] }, 'y');
    g.outputs.push(c, y, y);
  });
  const { node, output, initializer } = decoded().graph!;
  expect(output!.map(({ name }) => name)).toEqual(['c', 'y', 'y_again']);
  expect(initializer!.map(({ name }) => name)).toEqual(['c_constant']);
  expect(node!.map(({ opType, input, output: made }) => [opType, input, made])).toEqual([
    ['Add', ['x', 'c_constant'], ['y']],
    ['Identity', ['c_constant'], ['c']],
    ['Identity', ['y'], ['y_again']],
  ]);
  expect((await readModel(writeModel(graph))).outputs).toHaveLength(3);
});

test('an input may be an output', async () => {
  const { graph } = graphOf((g) => void g.outputs.push(g.inputs[0]!));
  expect(summary(await readModel(writeModel(graph)))).toEqual(summary(graph));
});

test('constants of every type, a scalar and an empty one come back', async () => {
  const { graph } = graphOf((g) => {
    const inputs = (
      ['float32', 'uint8', 'int8', 'int64', 'bool', 'float16', 'float64', 'uint64'] as const
    ).map((dtype) => {
      const size = new Constant(dtype, [0], new Uint8Array());
      return g.addConstant(`empty_${dtype}`, size);
    });
    inputs.push(g.addConstant('scalar', Constant.float32([], [3])));
    g.outputs.push(add(g, { op: 'Any', inputs }, 'y'));
  });
  expect(summary(await readModel(writeModel(graph)))).toEqual(summary(graph));
});

test('the same graph gives the same bytes', async () => {
  const { graph } = graphOf((g) => {
    const w = g.addConstant('w', Constant.float32([4], [1, 2, 3, 4]));
    const a = add(g, { op: 'Add', inputs: [g.inputs[0], w] }, 'a');
    const b = add(g, { op: 'Mul', inputs: [g.inputs[0], w] }, 'b');
    g.outputs.push(add(g, { op: 'Sub', inputs: [b, a] }, 'y'));
  });
  const first = writeModel(graph);
  expect(writeModel(graph)).toEqual(first);
  expect(writeModel(await readModel(first))).toEqual(first);
});

test('what cannot be written is refused by name', () => {
  const fused = graphOf(relu).graph;
  [...fused.nodes][0]!.postOps = [{ kind: 'eltwise', algorithm: 'relu', alpha: 0, beta: 0 }];
  expect(() => writeModel(fused)).toThrow(/Cannot write Relu node "node_y": eltwise was fused onto it/);

  const foreign = graphOf(
    (g) =>
      void g.outputs.push(
        add(g, { op: 'Cast', attributes: [['to', { kind: 'unsupported', value: 'bfloat16 tensor' }]] }, 'y'),
      ),
  ).graph;
  expect(() => writeModel(foreign)).toThrow(/attribute "to" of Cast node "node_y": it is a bfloat16 tensor/);
});

test('a model over 2 GiB is refused before anything is allocated', () => {
  const { graph } = graphOf((g) => {
    const constant = {
      dtype: 'uint8',
      dims: [2 ** 31],
      bytes: { byteLength: 2 ** 31 },
    } as unknown as Constant;
    g.outputs.push(add(g, { op: 'Add', inputs: [g.inputs[0], g.addConstant('w', constant)] }, 'y'));
  });
  expect(() => writeModel(graph)).toThrow(Calibr8Error);
  expect(() => writeModel(graph)).toThrow(/exceed the 2 GiB .* external data/);
});
