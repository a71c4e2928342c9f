import { Calibr8Error } from '../errors';
import type { ObserverStatistics } from '../runtime/addon';
import { ExactSum } from './exact-sum';
import { total, widen } from './histogram';

/**
 * What calibration knows about one tensor: extremes, moments and a fine histogram of its values.
 *
 * The histogram follows {@link ObserverStatistics}: `positive` and `negative` have the same number of bins, each
 * `range / positive.length` wide, counted outward from zero; `range` is a power of two. Every finite element is in
 * exactly one bin. The value is immutable: nothing may write to the arrays.
 */
export interface TensorStatistics {
  /** Number of elements seen. */
  readonly count: number;
  /** Least finite value; 0 where nothing was seen. */
  readonly min: number;
  /** Greatest finite value; 0 where nothing was seen. */
  readonly max: number;
  /** Greatest |x|. */
  readonly absMax: number;
  /** Elements that are NaN or infinite; they are in no other figure. */
  readonly nonFinite: number;
  /** Upper end of the histogram: a power of two above `absMax`; 0 when nothing but zeros was seen. */
  readonly range: number;
  /** Shape [bins]: elements in [i w, (i+1) w), zeros included. */
  readonly positive: Float64Array;
  /** Shape [bins]: elements in (-(i+1) w, -i w], zeros excluded. */
  readonly negative: Float64Array;
  /** Sum of the finite elements. */
  readonly sum: ExactSum;
  /** Sum of the squares of the finite elements. */
  readonly sumOfSquares: ExactSum;
  /** Samples, that is runs, in which the tensor held finite elements. */
  readonly samples: number;
  /** Sum over those samples of the greatest |x| of each. */
  readonly sumOfMaxima: ExactSum;
}

/** Those of the statistics that are sums over samples. */
export type SampleSums = Pick<TensorStatistics, 'sum' | 'sumOfSquares' | 'samples' | 'sumOfMaxima'>;

/** What one sample, whose pending figures these are, adds to the sums. */
export function sampleSums({ count, min, max, sum, sumOfSquares }: ObserverStatistics): SampleSums {
  return {
    sum: ExactSum.of(sum),
    sumOfSquares: ExactSum.of(sumOfSquares),
    samples: count > 0 ? 1 : 0,
    sumOfMaxima: count > 0 ? ExactSum.of(Math.max(Math.abs(min), Math.abs(max))) : ExactSum.ZERO,
  };
}

export function addSums(a: SampleSums, b: SampleSums): SampleSums {
  return {
    sum: a.sum.plus(b.sum),
    sumOfSquares: a.sumOfSquares.plus(b.sumOfSquares),
    samples: a.samples + b.samples,
    sumOfMaxima: a.sumOfMaxima.plus(b.sumOfMaxima),
  };
}

/** The statistics of a tensor that never held an element. */
export function emptyStatistics(): TensorStatistics {
  const bins = new Float64Array(1);
  const figures = { count: 0, min: 0, max: 0, nonFinite: 0, sum: 0, sumOfSquares: 0 };
  return toStatistics({ ...figures, range: 0, positive: bins, negative: bins });
}

/**
 * Takes over what the addon collected; the arrays must not change afterwards.
 * @param sums exact sums over the samples; without them, the figures count as those of one sample
 * Throws INVALID_ARGUMENT where the histogram is missing (pending statistics) or its sides differ.
 */
export function toStatistics(
  observed: ObserverStatistics,
  sums: SampleSums = sampleSums(observed),
): TensorStatistics {
  const { count, nonFinite, range, negative } = observed;
  let { positive } = observed;
  if (positive.length === 0 || positive.length !== negative.length) {
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected two histograms of equal length above 0 but received ${positive.length} positive and ${negative.length} ` +
        'negative bins. Use committed statistics: those of a pending run have no histogram.',
    );
  }
  if (range !== 0 && !isPowerOfTwo(range)) {
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected a histogram range that is 0 or a power of two but received ${range}.`,
    );
  }
  if (range === 0 && count > nonFinite && total(positive) === 0) {
    // Without a range there are no bins to put zeros in; bin 0 holds them in every wider histogram.
    positive = new Float64Array(positive.length);
    positive[0] = count - nonFinite;
  }
  // The extremes of nothing are whatever the collector began with, perhaps infinities.
  const empty = total(positive) + total(negative) === 0;
  const min = empty ? 0 : observed.min;
  const max = empty ? 0 : observed.max;
  const absMax = Math.max(Math.abs(min), Math.abs(max));
  return { count, min, max, absMax, nonFinite, range, positive, negative, ...sums };
}

/**
 * The statistics of both sets of elements together.
 *
 * Ranges are powers of two, so the narrower histogram widens by adding neighbors and every count stays exact, as the sums
 * are: merging is associative and commutative, and shards merge to what one run would have collected.
 */
export function mergeStatistics(a: TensorStatistics, b: TensorStatistics): TensorStatistics {
  if (a.count + a.nonFinite === 0) return b;
  if (b.count + b.nonFinite === 0) return a;
  if (a.positive.length !== b.positive.length) {
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected two histograms of equal length but received ${a.positive.length} and ${b.positive.length} bins. ` +
        'Collect both with the same version of calibr8.',
    );
  }
  const range = Math.max(a.range, b.range);
  const extremes = [a, b].filter((part) => finiteCount(part) > 0);
  return {
    count: a.count + b.count,
    min: extremes.length > 0 ? Math.min(...extremes.map((part) => part.min)) : 0,
    max: extremes.length > 0 ? Math.max(...extremes.map((part) => part.max)) : 0,
    absMax: Math.max(a.absMax, b.absMax),
    nonFinite: a.nonFinite + b.nonFinite,
    range,
    positive: add(widen(a.positive, a.range, range), widen(b.positive, b.range, range)),
    negative: add(widen(a.negative, a.range, range), widen(b.negative, b.range, range)),
    ...addSums(a, b),
  };
}

/** Number of finite elements: those that the histogram holds. */
export function finiteCount(statistics: TensorStatistics): number {
  return total(statistics.positive) + total(statistics.negative);
}

/** Throws NON_FINITE_VALUE naming the tensor where it held NaN or Infinity: no scale can represent those. */
export function requireFinite(tensor: string, statistics: TensorStatistics): void {
  if (statistics.nonFinite === 0) return;
  throw new Calibr8Error(
    'NON_FINITE_VALUE',
    `Expected finite values in tensor "${tensor}" but ${statistics.nonFinite} of ${statistics.count} elements are NaN or ` +
      'infinite. Check the calibration inputs and their preprocessing, or leave out the layers around this tensor.',
  );
}

function add(a: Float64Array, b: Float64Array): Float64Array {
  const sum = Float64Array.from(a);
  for (let i = 0; i < sum.length; ++i) sum[i]! += b[i]!;
  return sum;
}

function isPowerOfTwo(x: number): boolean {
  return x > 0 && Number.isFinite(x) && 2 ** Math.round(Math.log2(x)) === x;
}
