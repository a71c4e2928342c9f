import type { Grid } from '../model';
import { build, dense, map, type Dense } from './dense';

/** Half-way cases go to the even neighbor. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const fraction = x - floor;
  if (fraction !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

export function saturate(x: number, dtype: Grid['dtype']): number {
  const [low, high] =
    dtype === 'uint8' ? [0, 255] : dtype === 'int8' ? [-128, 127] : [-(2 ** 31), 2 ** 31 - 1];
  return Math.min(Math.max(x, low), high);
}

/** The scale of each channel as the float32 that a file holds. */
export function scalesOf({ scale }: Grid): number[] {
  return (typeof scale === 'number' ? [scale] : [...scale]).map(Math.fround);
}

/** The real numbers that stored ones stand for. */
export function dequantize(stored: Dense, grid: Grid): Dense {
  const scales = scalesOf(grid);
  let flat = 0;
  return build(stored.dims, (index) => {
    const scale = scales.length === 1 ? scales[0]! : scales[index[grid.axis ?? 1]!]!;
    return (stored.data[flat++]! - grid.zero) * scale;
  });
}

/** Real numbers in units of the grid's steps, neither rounded nor saturated. */
export function levels(real: Dense, grid: Grid): Dense {
  const [scale] = scalesOf(grid);
  return map(real, (x) => x / scale! + grid.zero);
}

/** QuantizeLinear: rounded half to even and saturated. The division is float32's, as ONNX computes it. */
export function quantize(real: Dense, grid: Grid): Dense {
  const [scale] = scalesOf(grid);
  return map(real, (x) =>
    saturate(roundHalfEven(Math.fround(Math.fround(x) / scale!)) + grid.zero, grid.dtype),
  );
}

/**
 * A layer on integers: `accumulate` gets x - zero point and the weights as stored, and its exact sums become real numbers by
 * the scales of x and of each output channel (axis `channelAxis` of the result), plus the bias in the same units.
 */
export function integerLayer(options: {
  x: Dense;
  xGrid: Grid;
  w: Dense;
  wGrid: Grid;
  bias?: ArrayLike<number> | undefined;
  channelAxis: number;
  accumulate(x: Dense, w: Dense): Dense;
}): Dense {
  const { x, xGrid, w, wGrid, bias, channelAxis } = options;
  const sums = options.accumulate(
    map(x, (element) => element - xGrid.zero),
    dense(w.dims, w.data),
  );
  const [xScale] = scalesOf(xGrid);
  const wScales = scalesOf(wGrid);
  let flat = 0;
  return build(sums.dims, (index) => {
    const channel = index[channelAxis]!;
    const wScale = wScales.length === 1 ? wScales[0]! : wScales[channel]!;
    return (sums.data[flat++]! + (bias?.[channel] ?? 0)) * xScale! * wScale;
  });
}
