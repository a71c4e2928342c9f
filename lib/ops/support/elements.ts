import { Constant } from '../../graph/constant';
import { DATA_TYPES, elementCount, isFloat, type DataType, type TypedArray } from '../../graph/data-type';

/** A new array for `count` elements of a type. */
export function allocate(dtype: DataType, count: number): TypedArray {
  return new DATA_TYPES[dtype].array(count);
}

/**
 * A constant of a type from real numbers: integers are truncated, 64-bit ones saturate except that negative numbers wrap around in
 * uint64, and what is not 0 is true. Not for float16.
 */
export function fromNumbers(dtype: DataType, dims: readonly number[], numbers: ArrayLike<number>): Constant {
  const result = allocate(dtype, numbers.length);
  const integer = !isFloat(dtype);
  for (let i = 0; i < numbers.length; ++i) {
    const number = numbers[i]!;
    if (result instanceof BigInt64Array || result instanceof BigUint64Array) {
      result[i] = wideInteger(number, dtype === 'uint64');
    } else if (dtype === 'bool') {
      result[i] = Number(number !== 0);
    } else {
      result[i] = integer ? Math.trunc(number) : number;
    }
  }
  return Constant.from(dtype, dims, result);
}

function wideInteger(number: number, unsigned: boolean): bigint {
  if (Number.isNaN(number)) return 0n;
  const [low, high] = unsigned ? [-(2 ** 63), 2 ** 64] : [-(2 ** 63), 2 ** 63];
  if (number >= high) return BigInt(high) - 1n;
  // Storing it wraps around.
  return BigInt(Math.trunc(Math.max(number, low)));
}

export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length).fill(1);
  for (let axis = dims.length - 2; axis >= 0; --axis) strides[axis] = strides[axis + 1]! * dims[axis + 1]!;
  return strides;
}

/**
 * Copies elements by index: result element number i (row-major in `dims`) is source element base + sum of index x strides.
 * Transposing, slicing, broadcasting and flipping are all such copies.
 */
export function gatherStrided(
  source: Constant,
  dims: readonly number[],
  strides: readonly number[],
  base = 0,
): Constant {
  const from = source.array;
  const to = allocate(source.dtype, elementCount(dims));
  forEachOffset(dims, strides, base, (offset, index) => (to[index] = from[offset]!));
  return Constant.from(source.dtype, dims, to);
}

/** Calls back for every index of `dims` in row-major order with its strided offset and its running number. */
export function forEachOffset(
  dims: readonly number[],
  strides: readonly number[],
  base: number,
  callback: (offset: number, index: number) => void,
): void {
  const count = elementCount(dims);
  const position = new Array<number>(dims.length).fill(0);
  let offset = base;
  for (let index = 0; index < count; ++index) {
    callback(offset, index);
    for (let axis = dims.length - 1; axis >= 0; --axis) {
      offset += strides[axis]!;
      if (++position[axis]! < dims[axis]!) break;
      offset -= strides[axis]! * dims[axis]!;
      position[axis] = 0;
    }
  }
}

/** Strides that read a tensor of `dims` as if broadcast to `target`. */
export function broadcastStrides(dims: readonly number[], target: readonly number[]): number[] {
  const own = stridesOf(dims);
  return target.map((_, axis) => {
    const mine = axis - (target.length - dims.length);
    return mine < 0 || dims[mine] === 1 ? 0 : own[mine]!;
  });
}
