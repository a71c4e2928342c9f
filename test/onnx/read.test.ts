import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { onnx } from 'onnx-proto';
import type { Graph } from '../../lib/graph/graph';
import { readModel } from '../../lib/onnx';
import { encode, floats, model, valueInfo } from './support';

const read = (message: onnx.IModelProto): Promise<Graph> => readModel(encode(message));

/** The initializer w of a model in which it is used. */
async function weight(tensor: onnx.ITensorProto) {
  const graph = await read(model({ initializer: [{ name: 'w', ...tensor }] }));
  return [...graph.nodes][0]!.inputs[1]!.constant!;
}

test('inputs, outputs, nodes and their links', async () => {
  const graph = await read(model());
  expect(graph.opset).toBe(17);
  expect(graph.inputs.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
    ['x', 'float32', [1, 4]],
  ]);
  expect(graph.outputs.map(({ name }) => name)).toEqual(['y']);
  const [add, relu] = [...graph.nodes];
  expect(add!.inputs.map((value) => value!.name)).toEqual(['x', 'w']);
  expect(relu!.inputs[0]!.producer).toBe(add);
});

test('shapes hold sizes, symbols and unknowns; -1 is unknown', async () => {
  const graph = await read(
    model({ input: [valueInfo('x', ['batch', null, 3, -1])], output: [{ name: 'y' }] }),
  );
  expect(graph.inputs[0]!.shape).toEqual(['batch', null, 3, null]);
  expect(graph.outputs[0]!.shape).toBeUndefined();
});

test('value_info gives inner values their type', async () => {
  const graph = await read(model({ valueInfo: [valueInfo('sum', ['n', 4])] }));
  expect([...graph.nodes][0]!.outputs[0]).toMatchObject({ dtype: 'float32', shape: ['n', 4] });
});

test('an initializer that is also listed as an input is a constant', async () => {
  const graph = await read(model({ input: [valueInfo('x'), valueInfo('w', [4])] }, { irVersion: 3 }));
  expect(graph.inputs.map(({ name }) => name)).toEqual(['x']);
});

test('initializers that nobody uses are left out, whatever their type', async () => {
  const graph = await read(
    model({ initializer: [floats('w', [4]), { name: 'text', dataType: 8, dims: [7] }] }),
  );
  expect([...graph.values()].map(({ name }) => name)).not.toContain('text');
});

test('ai.onnx is the default domain, others keep their version', async () => {
  const graph = await read(
    model(
      { node: [{ opType: 'Add', domain: 'ai.onnx', input: ['x', 'w'], output: ['y'] }] },
      {
        opsetImport: [
          { domain: 'ai.onnx', version: 13 },
          { domain: 'com.microsoft', version: 1 },
        ],
      },
    ),
  );
  expect(graph.opset).toBe(13);
  expect([...graph.nodes][0]!.domain).toBe('');
  expect([...graph.domains]).toEqual([['com.microsoft', 1]]);
});

test('nodes without a name, or with a taken one, get a readable name of their own', async () => {
  const relu = (input: string, output: string, name = ''): onnx.INodeProto => ({
    opType: 'Relu',
    name,
    input: [input],
    output: [output],
  });
  const graph = await read(
    model({ node: [relu('x', 'a'), relu('a', 'b', 'act'), relu('b', 'c', 'act'), relu('c', 'y', 'Relu_a')] }),
  );
  expect([...graph.nodes].map(({ name }) => name)).toEqual(['Relu_a', 'act', 'act_1', 'Relu_a_1']);
});

test('nodes need no order, and absent inputs and outputs are undefined', async () => {
  const graph = await read(
    model({
      node: [
        { opType: 'Clip', input: ['sum', '', 'w'], output: ['y', ''] },
        { opType: 'Add', input: ['x', 'w'], output: ['sum'] },
      ],
    }),
  );
  const [clip] = [...graph.nodes];
  expect(clip!.inputs.map((value) => value?.name)).toEqual(['sum', undefined, 'w']);
  expect(clip!.outputs.map((value) => value?.name)).toEqual(['y', undefined]);
});

test('attributes of every kind', async () => {
  const { AttributeType: T } = onnx.AttributeProto;
  const text = (s: string): Uint8Array => new TextEncoder().encode(s);
  const attribute: onnx.IAttributeProto[] = [
    { name: 'int', type: T.INT, i: -3 },
    { name: 'float', type: T.FLOAT, f: 0.5 },
    { name: 'string', type: T.STRING, s: text('é') },
    { name: 'ints', type: T.INTS, ints: [1, -2] },
    { name: 'floats', type: T.FLOATS, floats: [0.25] },
    { name: 'strings', type: T.STRINGS, strings: [text('a'), text('b')] },
    { name: 'tensor', type: T.TENSOR, t: floats('', [2]) },
    { name: 'untyped', i: 9 },
    { name: 'empty' },
    { name: 'foreign', type: T.TENSOR, t: { dataType: 16, dims: [1] } },
    { name: 'type', type: T.TYPE_PROTO, tp: {} },
    { name: 'sparse', type: T.SPARSE_TENSOR, sparseTensor: {} },
  ];
  const graph = await read(model({ node: [{ opType: 'Relu', input: ['x'], output: ['y'], attribute }] }));
  const { attributes } = [...graph.nodes][0]!;
  expect(attributes.int('int')).toBe(-3);
  expect(attributes.float('float')).toBe(0.5);
  expect(attributes.string('string')).toBe('é');
  expect(attributes.ints('ints')).toEqual([1, -2]);
  expect(attributes.floats('floats')).toEqual([0.25]);
  expect(attributes.strings('strings')).toEqual(['a', 'b']);
  expect(attributes.tensor('tensor')!.toNumbers()).toEqual([1, 1]);
  expect(attributes.int('untyped')).toBe(9);
  expect(attributes.floats('empty')).toEqual([]);
  const unsupported = [...attributes.entries()].filter(([, { kind }]) => kind === 'unsupported');
  expect(unsupported.map(([name, { value }]) => [name, value])).toEqual([
    ['foreign', 'bfloat16 tensor'],
    ['type', 'type'],
    ['sparse', 'sparse tensor'],
  ]);
});

describe('Constant nodes become constants', () => {
  const CASES: [onnx.IAttributeProto, string, number[], number[]][] = [
    [{ name: 'value', type: 4, t: floats('', [2]) }, 'float32', [2], [1, 1]],
    [{ name: 'value_float', type: 1, f: 0.5 }, 'float32', [], [0.5]],
    [{ name: 'value_floats', type: 6, floats: [0.5, 2] }, 'float32', [2], [0.5, 2]],
    [{ name: 'value_int', type: 2, i: -7 }, 'int64', [], [-7]],
    [{ name: 'value_ints', type: 7, ints: [-7, 2 ** 40] }, 'int64', [2], [-7, 2 ** 40]],
  ];
  test.each(CASES)('%j', async (attribute, dtype, dims, numbers) => {
    const graph = await read(
      model({
        initializer: [],
        node: [
          { opType: 'Add', input: ['x', 'w'], output: ['y'] },
          { opType: 'Constant', output: ['w'], attribute: [attribute] },
        ],
      }),
    );
    expect(graph.nodes.size).toBe(1);
    const { constant } = [...graph.nodes][0]!.inputs[1]!;
    expect([constant!.dtype, constant!.dims, constant!.toNumbers()]).toEqual([dtype, dims, numbers]);
  });
});

describe('typed initializers', () => {
  const CASES: [string, onnx.ITensorProto, (number | bigint)[]][] = [
    ['float32', { dataType: 1, floatData: [0.5, -2] }, [0.5, -2]],
    ['uint8', { dataType: 2, int32Data: [0, 255] }, [0, 255]],
    ['int8', { dataType: 3, int32Data: [-128, 127] }, [-128, 127]],
    ['uint16', { dataType: 4, int32Data: [0, 65535] }, [0, 65535]],
    ['int16', { dataType: 5, int32Data: [-32768, 3] }, [-32768, 3]],
    ['int32', { dataType: 6, int32Data: [-(2 ** 31), 5] }, [-(2 ** 31), 5]],
    ['int64', { dataType: 7, int64Data: [-1, 2 ** 52] }, [-1n, 2n ** 52n]],
    ['bool', { dataType: 9, int32Data: [1, 0] }, [1, 0]],
    ['float16', { dataType: 10, int32Data: [0x3c00, 0xc000] }, [0x3c00, 0xc000]],
    ['float64', { dataType: 11, doubleData: [0.1, 1e300] }, [0.1, 1e300]],
    ['uint32', { dataType: 12, uint64Data: [0, 2 ** 32 - 1] }, [0, 2 ** 32 - 1]],
    ['uint64', { dataType: 13, uint64Data: [7, 2 ** 52] }, [7n, 2n ** 52n]],
  ];
  test.each(CASES)('%s', async (dtype, tensor, numbers) => {
    const constant = await weight({ ...tensor, dims: [2] });
    expect(constant.dtype).toBe(dtype);
    expect([...constant.array]).toEqual(numbers);
  });

  test('the ends of the 64-bit range keep every bit', async () => {
    const ends = [
      { low: -1, high: 2 ** 31 - 1 },
      { low: 0, high: -(2 ** 31) },
    ] as unknown as number[];
    expect([...(await weight({ dataType: 7, dims: [2], int64Data: ends })).array]).toEqual([
      2n ** 63n - 1n,
      -(2n ** 63n),
    ]);
    const top = [{ low: -1, high: -1, unsigned: true }] as unknown as number[];
    expect([...(await weight({ dataType: 13, dims: [1], uint64Data: top })).array]).toEqual([2n ** 64n - 1n]);
  });

  test('any 64-bit integers keep every bit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), async (integers) => {
        const int64Data = integers.map((integer) => ({
          low: Number(BigInt.asIntN(32, integer)),
          high: Number(integer >> 32n),
        })) as unknown as number[];
        const constant = await weight({ dataType: 7, dims: [integers.length], int64Data });
        expect([...constant.array]).toEqual(integers);
      }),
    );
  });

  test('scalars, tensors without elements, and an empty raw_data beside typed data', async () => {
    expect((await weight({ dataType: 1, floatData: [3] })).toNumbers()).toEqual([3]);
    expect((await weight({ dataType: 1, dims: [0] })).count).toBe(0);
    expect((await weight({ dataType: 1, dims: [0], rawData: new Uint8Array() })).count).toBe(0);
    expect((await weight({ dataType: 1, floatData: [3], rawData: new Uint8Array() })).toNumbers()).toEqual([
      3,
    ]);
  });
});

describe('weights are not copied', () => {
  const large = encode(model({ initializer: [floats('w', [1 << 20])] }));
  const bytesOf = (graph: Graph): Uint8Array => [...graph.nodes][0]!.inputs[1]!.constant!.bytes;

  test('given bytes', async () => {
    expect(bytesOf(await readModel(large)).buffer).toBe(large.buffer);
  });

  test('a view into a larger buffer', async () => {
    const shifted = new Uint8Array(large.length + 3);
    shifted.set(large, 3);
    expect(bytesOf(await readModel(shifted.subarray(3))).buffer).toBe(shifted.buffer);
  });

  test('a file is one buffer, of the file alone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'calibr8-read-'));
    await writeFile(join(folder, 'm.onnx'), large);
    expect(bytesOf(await readModel(join(folder, 'm.onnx'))).buffer.byteLength).toBe(large.length);
    await rm(folder, { recursive: true });
  });
});

test('metadata', async () => {
  const graph = await read(
    model({}, { metadataProps: [{ key: 'author', value: 'me' }, { key: '__proto__' }] }),
  );
  expect([...graph.metadata]).toEqual([
    ['author', 'me'],
    ['__proto__', ''],
  ]);
});

test('functions that nothing calls do no harm', async () => {
  expect((await read(model({}, { functions: [{ domain: 'mine', name: 'Act' }] }))).nodes.size).toBe(2);
});
