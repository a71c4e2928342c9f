import { OBSERVERS } from '../calibration/observers/registry';
import { LossCurve } from '../calibration/loss-curve';
import { typeOf } from '../calibration/observers/observer';
import type { TensorStatistics } from '../calibration/statistics';
import { realRange, symmetricGrid, type ActivationGrid } from '../quantization/parameters';
import { decibels } from './tensor-meter';

/** Bins that a report shows: more than a screen's pixels for a small plot would be wasted. */
const BINS = 128;

/** A histogram of a tensor's FP32 values, small enough to draw. */
export interface HistogramView {
  /** Borders of the first and the last bin, in the tensor's own unit. */
  readonly low: number;
  readonly high: number;
  /** Values in each of the equally wide bins. */
  readonly counts: readonly number[];
}

/** What one calibration algorithm would choose for a tensor. */
export interface ObserverRange {
  readonly observer: string;
  /** Least and greatest value kept. */
  readonly low: number;
  readonly high: number;
  /** Estimated from the histogram of the samples: rounding and clipping this tensor alone, dB. */
  readonly sqnrDb: number;
}

/** The fine histogram in 128 bins from the least to the greatest value; what a fine bin holds is spread evenly over it. */
export function histogramView(statistics: TensorStatistics): HistogramView {
  const { positive, negative, range } = statistics;
  const low = Math.min(0, statistics.min);
  const high = Math.max(0, statistics.max);
  const counts = new Float64Array(BINS);
  const width = (high - low) / BINS;
  if (!(width > 0))
    return { low: low - 1, high: high + 1, counts: [...counts.fill(0, 1).fill(statistics.count, 64, 65)] };
  const fine = range / positive.length;
  const spread = (start: number, end: number, count: number): void => {
    const from = Math.max(0, Math.min(BINS - 1, Math.floor((start - low) / width)));
    const to = Math.max(from, Math.min(BINS - 1, Math.ceil((end - low) / width) - 1));
    for (let bin = from; bin <= to; ++bin) {
      const overlap = Math.min(end, low + (bin + 1) * width) - Math.max(start, low + bin * width);
      counts[bin]! += from === to ? count : (count * Math.max(0, overlap)) / (end - start);
    }
  };
  for (let i = 0; i < positive.length; ++i) {
    if (positive[i]! > 0) spread(i * fine, Math.min(high, (i + 1) * fine) || fine, positive[i]!);
    if (negative[i]! > 0) spread(Math.max(low, -(i + 1) * fine), -i * fine, negative[i]!);
  }
  return { low, high, counts: Array.from(counts, Math.round) };
}

/** Estimates what ranges would make of a tensor, from its statistics. */
export class RangeEstimates {
  readonly #curve: LossCurve;
  readonly #statistics: TensorStatistics;

  constructor(statistics: TensorStatistics) {
    this.#statistics = statistics;
    this.#curve = new LossCurve(statistics);
  }

  /** Signal to noise of rounding to a grid, dB; Infinity for a tensor of zeros. */
  sqnrDb(grid: ActivationGrid): number {
    const { absMax, sumOfSquares } = this.#statistics;
    return absMax === 0 ? Infinity : decibels(sumOfSquares.value, this.#curve.of(grid).error);
  }

  /** The ranges that every registered algorithm would choose for the tensor by itself, for levels of so many bits. */
  observers(bits: number): ObserverRange[] {
    const dtype = typeOf(this.#statistics);
    return OBSERVERS.all.map((observer) => {
      const { threshold } = observer.range(this.#statistics, dtype, bits);
      const grid = symmetricGrid(threshold, dtype, bits);
      const [low, high] = realRange(grid);
      return { observer: observer.name, low, high, sqnrDb: this.sqnrDb(grid) };
    });
  }
}
