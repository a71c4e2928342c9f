import type { onnx } from 'onnx-proto';
import type { ErrorCode } from '../../lib/errors';
import { encode, failure, floats, model } from './support';

describe('tensors that cannot be read', () => {
  const withWeight = (tensor: onnx.ITensorProto): onnx.IModelProto =>
    model({ initializer: [{ name: 'w', dims: [4], ...tensor }] });

  const CASES: [string, onnx.IModelProto, ErrorCode, RegExp][] = [
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
  ];

  test.each(CASES)('%s', async (_name, message, code, pattern) => {
    const error = await failure(encode(message));
    expect(error.message).toMatch(pattern);
    expect(error.message).toMatch(/^the model given as bytes: /);
    expect(error.code).toBe(code);
  });
});
