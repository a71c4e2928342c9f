import { Tensor } from '../lib';

describe('a Tensor is made', () => {
  test.each<[string, Tensor, object]>([
    ['from a type and numbers', new Tensor('float32', [1, 2, 3]), { type: 'float32', dims: [3], size: 3 }],
    [
      'from a typed array alone',
      new Tensor(new Int32Array(4), [2, 2]),
      { type: 'int32', dims: [2, 2], size: 4 },
    ],
    ['from booleans', new Tensor([true, false]), { type: 'bool', dims: [2], data: Uint8Array.of(1, 0) }],
    ['from numbers as int64', new Tensor('int64', [1, 2n]), { data: BigInt64Array.of(1n, 2n) }],
    ['as a scalar', new Tensor('float32', [7], []), { dims: [], size: 1, location: 'cpu' }],
    ['without elements', new Tensor('float16', [], [0]), { data: new Uint16Array(0), size: 0 }],
    ['from bit patterns', new Tensor('float16', Uint16Array.of(0x3c00)), { type: 'float16', size: 1 }],
  ])('%s', (_, tensor, wanted) => expect(tensor).toMatchObject(wanted));
});

describe('a Tensor is refused', () => {
  const make = (...parts: unknown[]) => new (Tensor as new (...parts: unknown[]) => Tensor)(...parts);

  test.each<[string, unknown[], RegExp]>([
    ['without a type for its elements', [[]], /a typed array or an array of booleans .* received \[\]/],
    ['of numbers without a type', [[1, 2]], /a typed array or an array of booleans/],
    ['of float16 numbers', ['float16', [1, 0.5]], /Uint16Array, the bit patterns, .* received \[1, 0\.5\]/],
    ['of text', ['float32', [1, 'a']], /numbers or booleans, at index 1 too, .* received "a"/],
    ['with gaps', ['float32', [1, undefined]], /at index 1 too, .* received undefined/],
    ['of fractions in int64', ['int64', [1.5]], /elements of type int64/],
    ['of another typed array', ['float32', new Float64Array(2)], /Float32Array or an array/],
    ['of strings', ['string', ['a'], [1]], /one of float32, .* received "string"/],
    ['with too few elements', ['float32', [1, 2], [3]], /3 elements for dims \[3\] but received 2/],
    ['with a negative size', ['float32', [1], [-1]], /non-negative integers/],
  ])('%s', (_, parts, message) => {
    expect(() => make(...parts)).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(message) as string,
      }),
    );
  });
});
