/** How positions of a resized axis map to those of the original one, and what is made of its elements; ONNX's attributes. */
export interface Interpolation {
  mode: string;
  coordinates: string;
  /** Before opset 11 `towards_more`, which no model can say: down where the axis grows, up where it shrinks. */
  nearest: string;
  cubicA: number;
  excludeOutside: boolean;
  antialias: boolean;
}

/** One axis to be resized: `scale` is what the model says, which the two sizes may not divide to exactly. */
export interface ResizedAxis {
  from: number;
  to: number;
  scale: number;
  /** The region of tf_crop_and_resize, as parts of the axis. */
  region: readonly [start: number, end: number];
}

/** For each position of the resized axis: `taps` indices and weights. An index of -1 stands for a position outside. */
export interface Taps {
  taps: number;
  indices: number[];
  weights: number[];
}

/** Positions and weights of one axis, as ONNX's reference implementation of Resize has them. */
export function tapsOf(axis: ResizedAxis, how: Interpolation): Taps {
  const rows = Array.from({ length: axis.to }, (_, position) =>
    tapsAt(sourcePosition(position, axis, how), axis, how),
  );
  return {
    taps: rows[0]?.length ?? 1,
    indices: rows.flatMap((row) => row.map(({ index }) => index)),
    weights: rows.flatMap((row) => row.map(({ weight }) => weight)),
  };
}

interface Tap {
  index: number;
  weight: number;
}

/**
 * In float32 step by step, as other runtimes have it: which of two elements is the nearest to a position halfway between them is
 * decided by how that position was rounded.
 */
function sourcePosition(x: number, axis: ResizedAxis, { coordinates }: Interpolation): number {
  const { from, to } = axis;
  const [scale, start, end] = [axis.scale, ...axis.region].map(round) as [number, number, number];
  // Unlike `to`, not rounded to a whole number.
  const length = axis.scale * from;
  const halfPixel = (): number => round(round(round(x + 0.5) / scale) - 0.5);
  switch (coordinates) {
    case 'asymmetric':
      return round(x / scale);
    case 'align_corners':
      return to === 1 ? 0 : round((x * (from - 1)) / round(length - 1));
    case 'pytorch_half_pixel':
      return to > 1 ? halfPixel() : 0;
    case 'tf_half_pixel_for_nn':
      return round((x + 0.5) / scale);
    case 'tf_crop_and_resize': {
      if (to === 1) return round(round(0.5 * round(start + end)) * (from - 1));
      const step = round(round(round(x * round(end - start)) * (from - 1)) / round(length - 1));
      return round(round(start * (from - 1)) + step);
    }
    case 'half_pixel_symmetric':
      return round((from / 2) * round(1 - round(to / length)) + halfPixel());
    default:
      return halfPixel();
  }
}

const round = Math.fround;

function tapsAt(position: number, axis: ResizedAxis, how: Interpolation): Tap[] {
  const last = axis.from - 1;
  const clamp = (index: number): number => Math.min(Math.max(index, 0), last);
  const outside = how.coordinates === 'tf_crop_and_resize' && (position < 0 || position > last);
  if (how.mode === 'nearest') {
    return [{ index: outside ? -1 : clamp(nearestOf(position, how.nearest, axis.scale)), weight: 1 }];
  }
  // The element to the left; a whole position belongs to the element before it, at the distance of 1.
  const left = Math.ceil(position) - 1;
  const { first, weights } = kernelOf(position - left, axis.scale, how);
  const taps = weights.map((weight, i) => ({ index: left + first + i, weight }));
  const counted = taps.map(({ index, weight }) =>
    how.excludeOutside && index !== clamp(index) ? 0 : weight,
  );
  const total = counted.reduce((a, b) => a + b, 0);
  return taps.map(({ index }, i) => ({ index: outside ? -1 : clamp(index), weight: counted[i]! / total }));
}

function nearestOf(position: number, mode: string, scale: number): number {
  switch (mode) {
    case 'towards_more':
      return scale < 1 ? Math.ceil(position) : Math.floor(position);
    case 'floor':
      return Math.floor(position);
    case 'ceil':
      return Math.ceil(position);
    case 'round_prefer_ceil':
      return Math.floor(position + 0.5);
    default:
      return Math.ceil(position - 0.5);
  }
}

/** Weights of the elements from `first` on, counted from the left neighbor, `ratio` in (0, 1] before the position. */
function kernelOf(
  ratio: number,
  scale: number,
  { mode, cubicA, antialias }: Interpolation,
): { first: number; weights: number[] } {
  const reach = mode === 'cubic' ? 2 : 1;
  const narrow = antialias ? Math.min(scale, 1) : 1;
  const first = Math.floor(-reach / narrow) + 1;
  const weight =
    mode === 'cubic' ? (x: number) => cubic(x, cubicA) : (x: number) => Math.max(0, 1 - Math.abs(x));
  const weights = Array.from({ length: 2 - 2 * first }, (_, i) => weight((first + i - ratio) * narrow));
  return { first, weights };
}

/** Keys' cubic convolution kernel. */
function cubic(signed: number, a: number): number {
  const x = Math.abs(signed);
  if (x <= 1) return (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1;
  return x < 2 ? a * (x ** 3 - 5 * x ** 2 + 8 * x - 4) : 0;
}
