import { Constant } from '../../graph/constant';
import { DATA_TYPES, elementCount, isFloat, type DataType, type TypedArray } from '../../graph/data-type';

/** A new array for `count` elements of a type. */
export function allocate(dtype: DataType, count: number): TypedArray {
  return new DATA_TYPES[dtype].array(count);
}

/** A constant of a type from real numbers: integers are truncated and 64-bit ones saturate. Not for float16. */
export function fromNumbers(dtype: DataType, dims: readonly number[], numbers: ArrayLike<number>): Constant {
  const result = allocate(dtype, numbers.length);
  const integer = !isFloat(dtype);
  const [low, high] = dtype === 'uint64' ? [0n, 2n ** 64n - 1n] : [-(2n ** 63n), 2n ** 63n - 1n];
  for (let i = 0; i < numbers.length; ++i) {
    const number = integer ? Math.trunc(numbers[i]!) : numbers[i]!;
    if (result instanceof BigInt64Array || result instanceof BigUint64Array) {
      const wide = Number.isNaN(number)
        ? 0n
        : Number.isFinite(number)
          ? BigInt(number)
          : number > 0
            ? high
            : low;
      result[i] = wide > high ? high : wide < low ? low : wide;
    } else {
      result[i] = dtype === 'bool' ? Number(number !== 0) : number;
    }
  }
  return Constant.from(dtype, dims, result);
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
