import { asymmetricGrid, symmetricGrid, type ActivationGrid } from '../quantization/parameters';
import { LossCurve } from './loss-curve';
import type { TensorStatistics } from './statistics';

/** Decibels that a zero point must take off the error: for less it is not worth what it adds to a layer's work. */
const LEAST_GAIN_DB = 1;

/**
 * The grid of a signed tensor whose |x| is clipped at `threshold`: int8, or uint8 with a zero point between the least and the
 * greatest value that was sampled, where that makes clearly less error.
 */
export function signedGrid(statistics: TensorStatistics, threshold: number, bits: number): ActivationGrid {
  const symmetric = symmetricGrid(threshold, 'int8', bits);
  const low = Math.max(Math.min(statistics.min, 0), -threshold);
  const high = Math.min(Math.max(statistics.max, 0), threshold);
  if (!(high > low)) return symmetric;
  const asymmetric = asymmetricGrid(low, high, bits);
  const curve = new LossCurve(statistics);
  const gainDb = 10 * Math.log10(curve.of(symmetric).error / curve.of(asymmetric).error);
  return gainDb >= LEAST_GAIN_DB ? asymmetric : symmetric;
}
