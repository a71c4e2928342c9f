import { activationScale, QUANTIZED_RANGE, type ActivationType } from '../quantization/parameters';
import { finiteCount, type TensorStatistics } from './statistics';

/** What quantizing a tensor costs, for the summary of a calibration. */
export interface QuantizationQuality {
  /** Share of the elements outside of what the type represents, percent. */
  readonly clippedPercent: number;
  /** Signal power over quantization error power, decibels; Infinity where the error is 0 (a tensor of zeros). */
  readonly sqnrDb: number;
}

/**
 * Estimates the quality of quantizing a tensor with `threshold` to `dtype`, from the fine histogram.
 *
 * The estimate: elements are uniform inside their fine bin (the outermost bins end at min and max); the error of the bin is
 * the exact integral of (x - Q(x))^2 over it, which holds rounding and clipping alike; the signal power is the measured
 * sum of squares. Good to a fraction of a decibel while a step is wider than a fine bin, that is for thresholds above
 * 1/128 of absMax; values that all lie on few points (a constant tensor) look a little worse than they are, because
 * their bin has a width.
 */
export function quantizationQuality(
  statistics: TensorStatistics,
  threshold: number,
  dtype: ActivationType,
): QuantizationQuality {
  const elements = finiteCount(statistics);
  if (elements === 0 || statistics.absMax === 0) return { clippedPercent: 0, sqnrDb: Infinity };
  const { positive, negative, min, max } = statistics;
  const width = statistics.range / positive.length;
  const scale = activationScale(threshold, dtype);
  const [lowest, highest] = QUANTIZED_RANGE[dtype];
  const above = sideLoss(positive, width, Math.max(max, 0), scale, highest);
  const below = sideLoss(negative, width, Math.max(-min, 0), scale, -lowest);
  return {
    clippedPercent: (100 * (above.clipped + below.clipped)) / elements,
    sqnrDb: 10 * Math.log10(statistics.sumOfSquares / (above.error + below.error)),
  };
}

/** Elements clipped and sum of squared errors on one side of zero, whose greatest |x| is `extreme` and greatest level `levels`. */
function sideLoss(
  counts: Float64Array,
  width: number,
  extreme: number,
  scale: number,
  levels: number,
): { clipped: number; error: number } {
  let clipped = 0;
  let error = 0;
  // A relative 2^-20 more: the scale is rounded to float32, which must not make the value it was chosen from look clipped.
  const limit = levels * scale * (1 + 2 ** -20);
  const integral = errorIntegral(scale, levels);
  // The integral up to the bin's start is the one up to the end of the bin before.
  let before = 0;
  for (let i = 0; i < counts.length; ++i) {
    const count = counts[i]!;
    const start = i * width;
    const end = Math.min(start + width, extreme);
    if (end > start) {
      const upTo = integral(end);
      if (count > 0) {
        error += (count * (upTo - before)) / (end - start);
        if (end > limit) clipped += count * Math.min(1, (end - limit) / (end - start));
      }
      before = upTo;
    } else {
      if (count > 0) {
        const level = Math.min(Math.round(extreme / scale), levels);
        error += count * (extreme - level * scale) ** 2;
        if (extreme > limit) clipped += count;
      }
      // No element lies beyond the extreme.
      break;
    }
  }
  return { clipped, error };
}

/**
 * The integral of (t - Q(t))^2 over [0, x]: each level passed adds two half steps, scale^3 / 12 together; what is left, from
 * the nearest level to x, adds (x - level)^3 / 3 with its sign. Beyond the last level that is the clipping error.
 */
function errorIntegral(scale: number, levels: number): (x: number) => number {
  const perLevel = scale ** 3 / 12;
  const perScale = 1 / scale;
  return (x) => {
    const level = Math.min(Math.floor(x * perScale + 0.5), levels);
    const rest = x - level * scale;
    return level * perLevel + (rest * rest * rest) / 3;
  };
}
