import { levelsOf } from '../../quantization/parameters';
import { absHistogram, total } from '../histogram';
import { rangeOfZeros, type Observer } from './observer';

/** Bins of the histogram of |x|. */
const BINS = 2048;
/** Share of the bins that the first candidate has. */
const FIRST_CANDIDATE = 0.7;

/**
 * The number of bins i to keep so that quantizing loses the least information: min KL(P || Q).
 *
 * For each i from floor(0.7 bins) to all bins whose last bin (i - 1) is not empty: P is the first i bins with everything
 * beyond added to the last; Q is those i bins, without what lies beyond, merged into L = 255 levels of floor(i / L) bins
 * (the last level takes the remainder) and each level spread back evenly over its non-empty bins. Both are normalized by
 * their own sums. The smallest i wins a tie.
 *
 * Source: PaddlePaddle 1.3, `contrib/int8_inference/utility.py`, `__get_optimal_scaling_factor`, `__expand_quantized_bins` and
 * `__safe_entropy`, after Migacz, "8-bit Inference with TensorRT" (GTC 2017). As there, Q leaves out the outliers. Unlike
 * there, the histogram is of |x| also for tensors with negative values (the original's own histogram of signed values yields
 * a threshold measured from the wrong end), and the candidates end at 2048 bins, not 2047, with 70 % taken of 2048.
 *
 * All candidates together take one pass: within a run of i with equal floor(i / L) only the last level changes, and
 * sum p log(p / q) splits into sums of c log c over bins and s log(s / n) over levels, which prefix sums give at once.
 *
 * @param counts Elements of |x| per bin; at least 365 bins, the last not empty.
 * @param levels L; also for int8 those of uint8, which the original does not distinguish
 */
export function leastDivergence(counts: Float64Array, levels = levelsOf('uint8')): number {
  const bins = counts.length;
  const all = total(counts);
  const sum = new Float64Array(bins + 1);
  const nonEmpty = new Float64Array(bins + 1);
  const information = new Float64Array(bins + 1);
  for (let j = 0; j < bins; ++j) {
    const count = counts[j]!;
    sum[j + 1] = sum[j]! + count;
    nonEmpty[j + 1] = nonEmpty[j]! + (count > 0 ? 1 : 0);
    information[j + 1] = information[j]! + xLogX(count);
  }
  /** Sum of c log(c / q) over the bins of the levels that end before `end`. */
  const wholeLevels = (end: number, perLevel: number): number => {
    let divergence = information[end]!;
    for (let start = 0; start < end; start += perLevel) {
      const level = sum[start + perLevel]! - sum[start]!;
      if (level > 0) divergence -= level * Math.log(level / (nonEmpty[start + perLevel]! - nonEmpty[start]!));
    }
    return divergence;
  };
  let best = bins;
  let least = Infinity;
  let perLevel = 0;
  let fixed = 0;
  for (let i = Math.floor(FIRST_CANDIDATE * bins); i <= bins; ++i) {
    if (counts[i - 1] === 0) continue;
    const lastLevel = (levels - 1) * Math.floor(i / levels);
    if (perLevel !== Math.floor(i / levels)) {
      perLevel = Math.floor(i / levels);
      fixed = wholeLevels(lastLevel, perLevel);
    }
    const beyond = all - sum[i]!;
    const level = sum[i]! - sum[lastLevel]!;
    const average = level / (nonEmpty[i]! - nonEmpty[lastLevel]!);
    const last =
      information[i - 1]! -
      information[lastLevel]! +
      xLogX(counts[i - 1]! + beyond) -
      (level + beyond) * Math.log(average);
    const divergence = (fixed + last) / all + Math.log(sum[i]! / all);
    if (divergence < least) {
      least = divergence;
      best = i;
    }
  }
  return best;
}

/** threshold = (i + 0.5) x bin width for the i of {@link leastDivergence} on 2048 bins of |x|. */
export const klObserver: Observer = {
  name: 'KL',
  description: 'least Kullback-Leibler divergence of INT8 from FP32',
  collects: 'histogram',
  range(statistics, dtype, bits) {
    if (statistics.absMax === 0) return rangeOfZeros(statistics, dtype, bits);
    const { counts, width } = absHistogram(statistics, BINS);
    return { threshold: (leastDivergence(counts, levelsOf('uint8', bits)) + 0.5) * width };
  },
};

function xLogX(x: number): number {
  return x > 0 ? x * Math.log(x) : 0;
}
