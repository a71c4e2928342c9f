/**
 * A row-major tensor of doubles. The references in this folder are independent of lib/ and native/ on purpose: they follow
 * the definitions in ONNX's operator documentation in the plainest way, without regard to speed.
 */
export interface Dense {
  readonly dims: readonly number[];
  readonly data: Float64Array;
}

export function count(dims: readonly number[]): number {
  return dims.reduce((a, b) => a * b, 1);
}

export function dense(dims: readonly number[], data?: ArrayLike<number>): Dense {
  const array = data ? Float64Array.from(data) : new Float64Array(count(dims));
  if (array.length !== count(dims))
    throw new Error(`${array.length} elements do not fill [${dims.join(', ')}].`);
  return { dims, data: array };
}

/** Every index of a tensor in row-major order. */
export function* indices(dims: readonly number[]): Generator<number[]> {
  const index = dims.map(() => 0);
  for (let left = count(dims); left > 0; --left) {
    yield index;
    for (let axis = dims.length - 1; axis >= 0; --axis) {
      if (++index[axis]! < dims[axis]!) break;
      index[axis] = 0;
    }
  }
}

/** The flat position of an index. */
export function at(dims: readonly number[], index: readonly number[]): number {
  return dims.reduce((flat, dim, axis) => flat * dim + index[axis]!, 0);
}

/** A tensor whose element at each index is computed. */
export function build(dims: readonly number[], element: (index: readonly number[]) => number): Dense {
  const result = dense(dims);
  let flat = 0;
  for (const index of indices(dims)) result.data[flat++] = element(index);
  return result;
}

export function map(x: Dense, apply: (element: number, flat: number) => number): Dense {
  return { dims: x.dims, data: x.data.map((element, flat) => apply(element, flat)) };
}
