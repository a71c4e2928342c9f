import { at, build, indices, type Dense } from './dense';

/** Resize with half-pixel centers over the spatial axes of [N, C, ...]. */
export function resize(x: Dense, factors: readonly number[], mode: 'nearest' | 'linear'): Dense {
  const dims = x.dims.map((dim, axis) => (axis < 2 ? dim : Math.floor(dim * factors[axis - 2]!)));
  return build(dims, (index) => {
    const [n, c, ...position] = index as [number, number, ...number[]];
    const real = position.map((p, axis) => (p + 0.5) / factors[axis]! - 0.5);
    const read = (spatial: readonly number[]): number => {
      const clamped = spatial.map((p, axis) => Math.min(Math.max(p, 0), x.dims[axis + 2]! - 1));
      return x.data[at(x.dims, [n, c, ...clamped])]!;
    };
    // round_prefer_floor
    if (mode === 'nearest') return read(real.map((p) => Math.ceil(p - 0.5)));
    let sum = 0;
    for (const corner of indices(real.map(() => 2))) {
      const weight = corner.reduce((product, high, axis) => {
        const fraction = real[axis]! - Math.floor(real[axis]!);
        return product * (high ? fraction : 1 - fraction);
      }, 1);
      sum += weight * read(real.map((p, axis) => Math.floor(p) + corner[axis]!));
    }
    return sum;
  });
}
