import { Calibr8Error, describe } from '../../errors';
import { finiteCount, type TensorStatistics } from '../statistics';
import { rangeOfZeros, type Observer } from './observer';

/** What `percentile` means without a number, the default of NVIDIA's HistogramCalibrator too. */
const DEFAULT_PERCENT = 99.99;

/**
 * threshold = the |x| that `percent` of all elements, zeros included, do not exceed; elements count as spread evenly inside
 * their fine bin, and the threshold is at least one bin wide.
 *
 * Source: Wu et al., "Integer Quantization for Deep Learning Inference: Principles and Empirical Evaluation" (2020), on calibration.
 */
function percentileOf(percent: number): Observer {
  return {
    name: percent === DEFAULT_PERCENT ? 'percentile' : `percentile:${percent}`,
    description: `what ${percent} % of the values do not exceed; percentile:99.9 ...`,
    collects: 'histogram',
    range(statistics, dtype, bits) {
      return statistics.absMax > 0
        ? { threshold: quantile(statistics, percent / 100) }
        : rangeOfZeros(statistics, dtype, bits);
    },
    withParameter(text) {
      const value = Number(text);
      if (text.trim() === '' || !(value > 0 && value <= 100)) {
        throw new Calibr8Error(
          'INVALID_ARGUMENT',
          `Expected a share above 0 and up to 100 percent for percentile, as in percentile:99.9, but received ${describe(text)}.`,
        );
      }
      return percentileOf(value);
    },
  };
}

export const percentileObserver = percentileOf(DEFAULT_PERCENT);

function quantile(statistics: TensorStatistics, share: number): number {
  const { positive, negative, range, absMax } = statistics;
  const width = range / positive.length;
  const wanted = share * finiteCount(statistics);
  let before = 0;
  for (let i = 0; i < positive.length; ++i) {
    const count = positive[i]! + negative[i]!;
    if (before + count >= wanted) {
      const start = i * width;
      const end = Math.min(start + width, absMax);
      return Math.max(start + ((end - start) * (wanted - before)) / count, Math.min(width, absMax));
    }
    before += count;
  }
  return absMax;
}
