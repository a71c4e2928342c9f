import type { onnx } from 'onnx-proto';
import type { ErrorCode } from '../../lib/errors';
import { encode, failure, floats, model, valueInfo } from './support';

describe('models that cannot be used', () => {
  const relu = { opType: 'Relu', name: 'relu', input: ['x'], output: ['y'] };
  const withNode = (node: onnx.INodeProto): onnx.IModelProto => model({ node: [node] });

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
      'no operator set',
      model({}, { opsetImport: [] }),
      'INVALID_MODEL',
      /opset_import of the default domain .*1 to 28/,
    ],
    [
      'only another operator set',
      model({}, { opsetImport: [{ domain: 'x', version: 1 }] }),
      'INVALID_MODEL',
      /opset_import/,
    ],
    [
      'an old operator set',
      model({}, { opsetImport: [{ version: 0 }] }),
      'UNSUPPORTED_OPERATOR',
      /operator set 0, which is too old\. Operator sets 1 to 28/,
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
