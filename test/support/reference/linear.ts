import { at, build, type Dense } from './dense';

/** Numpy's matmul for operands of two axes or more; batch axes broadcast. */
export function matmul(a: Dense, b: Dense): Dense {
  const [m, k] = a.dims.slice(-2) as [number, number];
  const [k2, n] = b.dims.slice(-2) as [number, number];
  if (k !== k2) throw new Error(`Inner dimensions ${k} and ${k2} differ.`);
  const rank = Math.max(a.dims.length, b.dims.length);
  const batchDim = (x: Dense, axis: number): number => x.dims[axis - (rank - x.dims.length)] ?? 1;
  const batch = Array.from({ length: rank - 2 }, (_, axis) => Math.max(batchDim(a, axis), batchDim(b, axis)));
  const batchIndex = (x: Dense, index: readonly number[]): number[] =>
    x.dims.slice(0, -2).map((dim, axis) => (dim === 1 ? 0 : index[axis + rank - x.dims.length]!));
  return build([...batch, m, n], (index) => {
    const [row, column] = index.slice(-2) as [number, number];
    const [left, right] = [batchIndex(a, index), batchIndex(b, index)];
    let sum = 0;
    for (let i = 0; i < k; ++i) {
      sum += a.data[at(a.dims, [...left, row, i])]! * b.data[at(b.dims, [...right, i, column])]!;
    }
    return sum;
  });
}

export function transpose(x: Dense, permutation: readonly number[]): Dense {
  const dims = permutation.map((axis) => x.dims[axis]!);
  return build(dims, (index) => {
    const source = x.dims.map(() => 0);
    permutation.forEach((axis, i) => (source[axis] = index[i]!));
    return x.data[at(x.dims, source)]!;
  });
}
