import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import { Calibr8Error, type ErrorCode } from '../../lib/errors';
import { readModel } from '../../lib/onnx';
import { encode, floats, model, valueInfo } from './support';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'calibr8-errors-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function failure(
  source: string | Uint8Array,
  options?: { baseDirectory?: string },
): Promise<Calibr8Error> {
  const error = await readModel(source, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Calibr8Error);
  return error as Calibr8Error;
}

describe('files that are no model', () => {
  const text = new TextEncoder();
  const CASES: [string, Uint8Array, RegExp][] = [
    ['an empty file', new Uint8Array(), /the file is empty/],
    ['a JPEG', Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16, 74, 70, 73, 70), /looks like a JPEG image/],
    ['a PNG', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0), /looks like a PNG image/],
    ['a text', text.encode('hello world, this is no network at all'), /looks like text/],
    ['a web page', text.encode('<!DOCTYPE html><html></html>'), /HTML/],
    [
      'a Git LFS pointer',
      text.encode('version https://git-lfs.github.com/spec/v1\noid sha256:0'),
      /git lfs pull/,
    ],
    ['a PyTorch checkpoint', text.encode('PK\x03\x04archive/data.pkl'), /ZIP archive/],
    ['a TensorFlow Lite model', text.encode('\x1c\0\0\0TFL3'), /TensorFlow Lite/],
    ['nested groups', new Uint8Array(200_000).fill(0x7b), /not one, or are truncated/],
    ['a tensor', onnx.TensorProto.encode(floats('input', [2])).finish(), /hold none|not one/],
    ['a model without a graph', encode({ irVersion: 8, opsetImport: [{ version: 17 }] }), /hold none/],
  ];

  test.each(CASES)('%s', async (_name, bytes, message) => {
    const path = join(folder, 'file.onnx');
    await writeFile(path, bytes);
    const error = await failure(path);
    expect(error.code).toBe('INVALID_MODEL');
    expect(error.message).toMatch(message);
    expect(error.message).toContain(path);
  });

  test('a missing path', async () => {
    const error = await failure(join(folder, 'missing.onnx'));
    expect(error.code).toBe('FILE_ACCESS');
    expect(error.message).toMatch(/missing\.onnx: there is no such file/);
  });

  test('a folder', async () => {
    const error = await failure(folder);
    expect(error.code).toBe('FILE_ACCESS');
    expect(error.message).toMatch(/it is a folder/);
  });

  test('a device', async () => {
    expect((await failure('/dev/zero')).message).toMatch(/no regular file/);
  });

  test('a path with a null byte', async () => {
    expect((await failure('model\0.onnx')).code).toBe('FILE_ACCESS');
  });

  test.each([[''], [undefined], [42], [{}]])('%p instead of a path', async (source) => {
    expect((await failure(source as string)).code).toBe('INVALID_ARGUMENT');
  });

  test('a base directory that is no path', async () => {
    expect((await failure('model.onnx', { baseDirectory: 1 as unknown as string })).code).toBe(
      'INVALID_ARGUMENT',
    );
  });
});

describe('models that cannot be used', () => {
  const relu = { opType: 'Relu', name: 'relu', input: ['x'], output: ['y'] };
  const withNode = (node: onnx.INodeProto): onnx.IModelProto => model({ node: [node] });
  const withWeight = (tensor: onnx.ITensorProto): onnx.IModelProto =>
    model({ initializer: [{ name: 'w', dims: [4], ...tensor }] });

  const CASES: [string, onnx.IModelProto, ErrorCode, RegExp][] = [
    [
      'a cycle',
      model({
        node: [
          { opType: 'Add', name: 'a', input: ['x', 'q'], output: ['p'] },
          { opType: 'Relu', name: 'b', input: ['p'], output: ['q'] },
          { opType: 'Relu', name: 'c', input: ['q'], output: ['y'] },
        ],
      }),
      'INVALID_MODEL',
      /without cycles .*Add node "a"/,
    ],
    [
      'a missing initializer',
      model({ initializer: [] }),
      'INVALID_MODEL',
      /Add node "add" uses "w", but no graph input/,
    ],
    [
      'an output that nothing makes',
      model({ output: [valueInfo('z')] }),
      'INVALID_MODEL',
      /graph output "z" is made by no node/,
    ],
    ['no outputs', model({ output: [] }), 'INVALID_MODEL', /declares none/],
    [
      'two nodes that make one value',
      model({ node: [relu, { ...relu, name: 'again' }] }),
      'INVALID_MODEL',
      /"y" is both an output of Relu node "relu" and an output of Relu node "again"/,
    ],
    [
      'two initializers of one name',
      model({ initializer: [floats('w', [4]), floats('w', [4])] }),
      'INVALID_MODEL',
      /"w" is both/,
    ],
    [
      'a node that makes an input',
      model({ node: [relu, { ...relu, name: 'in', output: ['x'] }] }),
      'INVALID_MODEL',
      /"x" is both a graph input and/,
    ],
    [
      'an input without a name',
      model({ input: [valueInfo('x'), valueInfo('')] }),
      'INVALID_MODEL',
      /a name for every graph input/,
    ],
    ['a node without an operator', withNode({ ...relu, opType: '' }), 'INVALID_MODEL', /node 0 \("relu"\)/],
    [
      'a node without outputs',
      withNode({ ...relu, output: [] }),
      'INVALID_MODEL',
      /output of Relu node "relu"/,
    ],

    [
      'too few bytes',
      withWeight({ dataType: 1, rawData: new Uint8Array(12) }),
      'INVALID_MODEL',
      /Expected 16 bytes for tensor "w", which is float32 of shape \[4\], but its raw_data has 12/,
    ],
    [
      'too many elements',
      withWeight({ dataType: 1, floatData: [1, 2, 3, 4, 5] }),
      'INVALID_MODEL',
      /Expected 4 elements for tensor "w".* 5 in float_data/,
    ],
    [
      'data in the wrong field',
      withWeight({ dataType: 7, floatData: [1, 2, 3, 4] }),
      'INVALID_MODEL',
      /0 in int64_data/,
    ],
    [
      'a negative dimension',
      withWeight({ dataType: 1, dims: [-1, -4], floatData: [1, 2, 3, 4] }),
      'INVALID_MODEL',
      /non-negative dimensions for tensor "w" .*\[-1, -4\]/,
    ],
    [
      'a gigantic shape',
      withWeight({ dataType: 1, dims: [2 ** 40, 2 ** 40] }),
      'INVALID_MODEL',
      /dimensions for tensor "w"/,
    ],
    [
      'a large shape without data',
      withWeight({ dataType: 1, dims: [2 ** 40] }),
      'INVALID_MODEL',
      /Expected 1099511627776 elements/,
    ],
    [
      'an unknown element type',
      withWeight({ dataType: 99, rawData: new Uint8Array(4) }),
      'INVALID_MODEL',
      /element type for tensor "w" but received number 99/,
    ],
    [
      'no element type',
      withWeight({ rawData: new Uint8Array(4) }),
      'INVALID_MODEL',
      /element type for tensor "w" but received number 0/,
    ],
    [
      'bfloat16 weights',
      withWeight({ dataType: 16, rawData: new Uint8Array(8) }),
      'UNSUPPORTED_OPERATOR',
      /"w" is a tensor of bfloat16/,
    ],
    ['string weights', withWeight({ dataType: 8 }), 'UNSUPPORTED_OPERATOR', /"w" is a tensor of string/],
    [
      'segments',
      withWeight({ dataType: 1, segment: { begin: 0, end: 4 } }),
      'INVALID_MODEL',
      /tensor "w" is stored in segments/,
    ],
    [
      'sparse weights',
      model({ sparseInitializer: [{ values: floats('w', [1]), dims: [4] }] }),
      'UNSUPPORTED_OPERATOR',
      /"w" is a sparse tensor/,
    ],

    [
      'no operator set',
      model({}, { opsetImport: [] }),
      'INVALID_MODEL',
      /opset_import of the default domain .*7 to 28/,
    ],
    [
      'only another operator set',
      model({}, { opsetImport: [{ domain: 'x', version: 1 }] }),
      'INVALID_MODEL',
      /opset_import/,
    ],
    [
      'an old operator set',
      model({}, { opsetImport: [{ version: 6 }] }),
      'UNSUPPORTED_OPERATOR',
      /operator set 6, which is too old\. Operator sets 7 to 28/,
    ],
    [
      'a new operator set',
      model({}, { opsetImport: [{ version: 999 }] }),
      'UNSUPPORTED_OPERATOR',
      /999, which is newer/,
    ],
    [
      'two operator sets',
      model({}, { opsetImport: [{ version: 13 }, { domain: 'ai.onnx', version: 17 }] }),
      'INVALID_MODEL',
      /imports 13 and 17/,
    ],
    [
      'a call of a function',
      model(
        { node: [{ ...relu, domain: 'mine', opType: 'Act' }] },
        { functions: [{ domain: 'mine', name: 'Act' }] },
      ),
      'UNSUPPORTED_OPERATOR',
      /Act node "relu" calls a function/,
    ],

    [
      'a subgraph',
      withNode({ ...relu, opType: 'If', attribute: [{ name: 'then_branch', type: 5, g: {} }] }),
      'UNSUPPORTED_OPERATOR',
      /attribute "then_branch" of If node "relu" is a subgraph/,
    ],
    [
      'an unknown attribute type',
      withNode({ ...relu, attribute: [{ name: 'k', type: 77 as number }] }),
      'INVALID_MODEL',
      /attribute "k" of Relu node "relu" but received number 77/,
    ],
    [
      'a reference attribute',
      withNode({ ...relu, attribute: [{ name: 'k', type: 2, refAttrName: 'z' }] }),
      'INVALID_MODEL',
      /outside any function/,
    ],
    [
      'an empty tensor attribute',
      withNode({ ...relu, attribute: [{ name: 'k', type: 4 }] }),
      'INVALID_MODEL',
      /Expected a tensor for attribute "k"/,
    ],
    [
      'a damaged tensor attribute',
      withNode({ ...relu, attribute: [{ name: 'k', type: 4, t: { dims: [3], dataType: 1 } }] }),
      'INVALID_MODEL',
      /Expected 3 elements for attribute "k" of Relu node "relu"/,
    ],
    [
      'a Constant without a value',
      withNode({ opType: 'Constant', name: 'c', output: ['y'] }),
      'INVALID_MODEL',
      /value of Constant node "c" but received 0/,
    ],
    [
      'a Constant of strings',
      withNode({
        opType: 'Constant',
        name: 'c',
        output: ['y'],
        attribute: [{ name: 'value_string', type: 3 }],
      }),
      'UNSUPPORTED_OPERATOR',
      /Constant node "c" holds its value as value_string/,
    ],
    [
      'a bfloat16 Constant',
      withNode({
        opType: 'Constant',
        name: 'c',
        output: ['y'],
        attribute: [{ name: 'value', type: 4, t: { dataType: 16 } }],
      }),
      'UNSUPPORTED_OPERATOR',
      /bfloat16 tensor/,
    ],

    [
      'a string input',
      model({ input: [valueInfo('x', [1], 8)] }),
      'UNSUPPORTED_OPERATOR',
      /graph input "x" is a tensor of string/,
    ],
    [
      'a sequence input',
      model({ input: [{ name: 'x', type: { sequenceType: {} } }] }),
      'UNSUPPORTED_OPERATOR',
      /"x" is a sequence/,
    ],
    [
      'an optional output',
      model({ output: [{ name: 'y', type: { optionalType: {} } }] }),
      'UNSUPPORTED_OPERATOR',
      /graph output "y" is an optional/,
    ],
    [
      'an input without a type',
      model({ input: [{ name: 'x' }] }),
      'INVALID_MODEL',
      /graph input "x" but received number 0/,
    ],
  ];

  test.each(CASES)('%s', async (_name, message, code, pattern) => {
    const error = await failure(encode(message));
    expect(error.message).toMatch(pattern);
    expect(error.message).toMatch(/^the model given as bytes: /);
    expect(error.code).toBe(code);
  });
});
