import type { TensorStatistics } from './statistics';

/** Histogram of |x| over [0, absMax]. */
export interface AbsHistogram {
  /** Shape [bins]: whole numbers of elements in [i width, (i+1) width); the last bin includes absMax. */
  readonly counts: Float64Array;
  /** Width of a bin in the tensor's own unit; 0 when nothing but zeros was seen. */
  readonly width: number;
}

/** Sum of all bins. */
export function total(counts: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < counts.length; ++i) sum += counts[i]!;
  return sum;
}

/**
 * The counts of a histogram over [0, from) seen over [0, to) with as many bins. Both are powers of two, or `from` is 0
 * (all elements are zeros, in bin 0), so each old bin lies inside one new bin. Returns the array itself where from = to.
 */
export function widen(counts: Float64Array, from: number, to: number): Float64Array {
  if (from === to) return counts;
  const factor = from === 0 ? Infinity : to / from;
  const wide = new Float64Array(counts.length);
  for (let i = 0; i < counts.length; ++i) wide[Math.floor(i / factor)]! += counts[i]!;
  return wide;
}

/**
 * Rebins the native histogram, whose range is a power of two, to `bins` bins of |x| over [0, absMax].
 *
 * Rule: elements are spread evenly inside their fine bin (those of the highest fine bin between its start and absMax, with one
 * of them at absMax itself); the number of elements below each new border is rounded to a whole number, and a bin gets
 * the difference between its borders. So counts stay whole, none is lost, empty stretches stay empty, each border is off
 * by at most half an element from splitting the straddling fine bin in proportion, and the last bin is never empty.
 * Assigning whole fine bins instead would beat against the new grid: a ripple of about 10 % that KL would see as structure.
 */
export function absHistogram(statistics: TensorStatistics, bins = 2048): AbsHistogram {
  const { positive, negative, range, absMax } = statistics;
  const fine = new Float64Array(positive.length);
  let top = 0;
  for (let i = 0; i < fine.length; ++i) {
    fine[i] = positive[i]! + negative[i]!;
    if (fine[i]! > 0) top = i;
  }
  const counts = new Float64Array(bins);
  if (absMax === 0) {
    counts[0] = total(fine);
    return { counts, width: 0 };
  }
  const fineWidth = range / fine.length;
  const width = absMax / bins;
  let before = 0; // elements in the fine bins below `at`
  let at = 0;
  let previous = 0;
  for (let bin = 0; bin < bins - 1; ++bin) {
    // Not (bin + 1) * width: a multiplication first keeps the border exact where absMax is a round number.
    const border = (absMax * (bin + 1)) / bins;
    const wanted = Math.min(Math.floor(border / fineWidth), top);
    while (at < wanted) before += fine[at++]!;
    const span = at === top ? absMax - at * fineWidth : fineWidth;
    const spread = at === top ? fine[at]! - 1 : fine[at]!;
    const share = span > 0 ? Math.min(1, (border - at * fineWidth) / span) : 0;
    const below = Math.round(before + share * spread);
    counts[bin] = below - previous;
    previous = below;
  }
  counts[bins - 1] = total(fine) - previous;
  return { counts, width };
}
