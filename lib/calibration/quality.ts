import type { ActivationGrid } from '../quantization/parameters';
import { LossCurve } from './loss-curve';
import { finiteCount, type TensorStatistics } from './statistics';

/** What quantizing a tensor costs, for the summary of a calibration. */
export interface QuantizationQuality {
  /** Share of the elements outside of what the grid represents, percent. */
  readonly clippedPercent: number;
  /** Signal power over quantization error power, decibels; Infinity where the error is 0 (a tensor of zeros). */
  readonly sqnrDb: number;
}

/**
 * Estimates the quality of quantizing a tensor: the error of {@link LossCurve} beside the measured
 * sum of squares.
 *
 * Good to a fraction of a decibel while a step is wider than a fine bin, that is for thresholds above 1/128 of absMax; values
 * that all lie on few points (a constant tensor) look a little worse than they are, because their bin has a width.
 */
export function quantizationQuality(statistics: TensorStatistics, grid: ActivationGrid): QuantizationQuality {
  const elements = finiteCount(statistics);
  if (elements === 0 || statistics.absMax === 0) return { clippedPercent: 0, sqnrDb: Infinity };
  const { clipped, error } = new LossCurve(statistics).of(grid);
  return {
    clippedPercent: (100 * clipped) / elements,
    sqnrDb: 10 * Math.log10(statistics.sumOfSquares.value / error),
  };
}
