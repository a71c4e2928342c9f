import { at, build, map, type Dense } from './dense';

/** A function of two tensors with numpy broadcasting. */
export function binary(a: Dense, b: Dense, apply: (x: number, y: number) => number): Dense {
  const rank = Math.max(a.dims.length, b.dims.length);
  const dim = (x: Dense, axis: number): number => x.dims[axis - (rank - x.dims.length)] ?? 1;
  const dims = Array.from({ length: rank }, (_, axis) => (dim(a, axis) === 1 ? dim(b, axis) : dim(a, axis)));
  const read = (x: Dense, index: readonly number[]): number =>
    x.data[
      at(
        x.dims,
        x.dims.map((size, axis) => (size === 1 ? 0 : index[axis + rank - x.dims.length]!)),
      )
    ]!;
  return build(dims, (index) => apply(read(a, index), read(b, index)));
}

export function relu(x: Dense): Dense {
  return map(x, (element) => Math.max(element, 0));
}

export function clip(x: Dense, min: number, max: number): Dense {
  return map(x, (element) => Math.min(Math.max(element, min), max));
}

export function softmax(x: Dense, axis: number): Dense {
  const size = x.dims[axis]!;
  return build(x.dims, (index) => {
    const row = Array.from({ length: size }, (_, i) => x.data[at(x.dims, index.with(axis, i))]!);
    const most = Math.max(...row);
    const sum = row.reduce((total, element) => total + Math.exp(element - most), 0);
    return Math.exp(row[index[axis]!]! - most) / sum;
  });
}

export function concat(parts: readonly Dense[], axis: number): Dense {
  const total = parts.reduce((sum, part) => sum + part.dims[axis]!, 0);
  return build(parts[0]!.dims.with(axis, total), (index) => {
    let rest = index[axis]!;
    for (const part of parts) {
      if (rest < part.dims[axis]!) return part.data[at(part.dims, index.with(axis, rest))]!;
      rest -= part.dims[axis]!;
    }
    throw new Error('The index lies beyond the last part.');
  });
}

/** Per-channel scale and shift from statistics, as ONNX BatchNormalization defines it. */
export function batchNorm(
  x: Dense,
  [gamma, beta, mean, variance]: readonly [number[], number[], number[], number[]],
  epsilon: number,
): Dense {
  return build(x.dims, (index) => {
    const c = index[1]!;
    const centered = x.data[at(x.dims, index)]! - mean[c]!;
    return (centered / Math.sqrt(variance[c]! + epsilon)) * gamma[c]! + beta[c]!;
  });
}
