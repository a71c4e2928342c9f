import { Calibr8Error, describe, expected } from './errors';
import { DATA_TYPES, elementCount, isDataType, type DataType, type TypedArray } from './graph/data-type';

/** What a Tensor of each type holds. `bool` is one byte an element, 0 or 1; `float16` holds the bit patterns. */
export interface TensorDataByType {
  float32: Float32Array;
  uint8: Uint8Array;
  int8: Int8Array;
  uint16: Uint16Array;
  int16: Int16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  bool: Uint8Array;
  float16: Uint16Array;
  float64: Float64Array;
  uint32: Uint32Array;
  uint64: BigUint64Array;
}

export type TensorData<T extends DataType = DataType> = TensorDataByType[T];

/**
 * A dense row-major tensor, as onnxruntime-common's: `new Tensor('float32', data, [1, 3, 224, 224])`,
 * `new Tensor(data, dims)` or `new Tensor('int64', [1n, 2n], [2])`. Without `dims` it is one-dimensional.
 */
export class Tensor<T extends DataType = DataType> {
  readonly type: T;
  readonly data: TensorData<T>;
  readonly dims: readonly number[];
  /** Number of elements. */
  readonly size: number;

  constructor(
    type: T,
    data: TensorData<T> | readonly (number | bigint | boolean)[],
    dims?: readonly number[],
  );
  constructor(data: TypedArray | readonly boolean[], dims?: readonly number[]);
  constructor(first: unknown, second?: unknown, third?: unknown) {
    const parts = first instanceof Parts ? first : toParts(first, second, third);
    this.type = parts.type as T;
    this.data = parts.data as TensorData<T>;
    this.dims = parts.dims;
    this.size = parts.size;
  }

  /** The same data with other dims of equal product. */
  reshape(dims: readonly number[]): Tensor<T> {
    return new Tensor<T>(this.type, this.data, dims);
  }

  /** The data; as in onnxruntime-common, for tensors that live elsewhere. Here it is always on the CPU. */
  async getData(): Promise<TensorData<T>> {
    return this.data;
  }

  /** Does nothing: the data belongs to JavaScript's garbage collector. */
  dispose(): void {}

  get location(): 'cpu' {
    return 'cpu';
  }
}

/** What a tensor is made of, checked. */
class Parts {
  constructor(
    readonly type: DataType,
    readonly data: TypedArray,
    readonly dims: readonly number[],
    readonly size: number,
  ) {}
}

/** @internal Makes tensors of zeros, of one type and shape that is checked but once: every run needs some. */
export function zerosOf(type: DataType, dims: readonly number[]): () => Tensor {
  const { array } = DATA_TYPES[type];
  const checked = checkDims(dims);
  const size = elementCount(checked);
  return () => new Tensor(new Parts(type, new array(size), checked, size) as never);
}

function toParts(first: unknown, second: unknown, third: unknown): Parts {
  const typed = typeof first === 'string';
  const type = typed ? first : inferType(first);
  if (!isDataType(type))
    throw expected(`one of ${Object.keys(DATA_TYPES).join(', ')}`, 'the tensor type', type);
  const data = toData(type, typed ? second : first);
  const dims = checkDims((typed ? third : second) ?? [data.length]);
  const size = elementCount(dims);
  if (size !== data.length) {
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected ${size} elements for dims [${dims.join(', ')}] but received ${data.length}.`,
    );
  }
  return new Parts(type, data, dims, size);
}

function inferType(data: unknown): DataType {
  if (Array.isArray(data) && data.length > 0 && data.every((element) => typeof element === 'boolean'))
    return 'bool';
  // Uint8Array and Uint16Array serve two types each; the plain integer comes first in the table of types.
  for (const [name, { array }] of Object.entries(DATA_TYPES))
    if (data instanceof array) return name as DataType;
  if (data instanceof Uint8ClampedArray) return 'uint8';
  throw expected('a typed array or an array of booleans', 'the tensor data', data);
}

function toData(type: DataType, data: unknown): TypedArray {
  const { array } = DATA_TYPES[type];
  if (data instanceof array) return data;
  if (data instanceof Uint8ClampedArray && type === 'uint8')
    return new Uint8Array(data.buffer, data.byteOffset, data.length);
  // Numbers would be taken for bit patterns, 0.5 for 0.
  if (type === 'float16' && !(Array.isArray(data) && data.length === 0))
    throw expected('Uint16Array, the bit patterns,', 'the data of a float16 tensor', data);
  if (!Array.isArray(data)) throw expected(`${array.name} or an array`, `the data of a ${type} tensor`, data);
  // What is no number becomes NaN or 0 otherwise, and shows only in the network's answers.
  const wrong = data.findIndex((element) => !['number', 'bigint', 'boolean'].includes(typeof element));
  if (wrong >= 0)
    throw expected(
      `numbers or booleans, at index ${wrong} too,`,
      `the data of a ${type} tensor`,
      data[wrong],
    );
  try {
    if (type === 'int64') return BigInt64Array.from(data as bigint[], BigInt);
    if (type === 'uint64') return BigUint64Array.from(data as bigint[], BigInt);
    return (array as Float32ArrayConstructor).from(data as number[]) as TypedArray;
  } catch (cause) {
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected elements of type ${type} but received ${describe(data)}.`,
      { cause },
    );
  }
}

function checkDims(dims: unknown): readonly number[] {
  if (!Array.isArray(dims) || !dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) {
    throw expected('an array of non-negative integers', 'the tensor dims', dims);
  }
  return Object.freeze([...(dims as number[])]);
}
