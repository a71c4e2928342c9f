import type { ActivationType } from '../../quantization/parameters';
import { LossCurve } from '../loss-curve';
import type { TensorStatistics } from '../statistics';
import { rangeOfZeros, typeOf, type Observer } from './observer';

/** Ratio of neighboring candidates: the greatest of 255 levels moves by half a step. */
const RATIO = 1 - 1 / 512;
/** Candidates end at this share of absMax: a bin of the fine histogram. */
const LEAST_SHARE = 2 ** -15;
/** Local minima among the candidates that are looked at closely. */
const REFINED = 8;
const ROUNDS = 4;
const PARTS = 12;

interface Candidate {
  readonly threshold: number;
  readonly error: number;
}

/**
 * The threshold with the least sum of squared errors, rounding and clipping together, under the model of {@link LossCurve}.
 *
 * The error has many local minima where a tensor holds few distinct values. So the search goes down from absMax in steps of half
 * a level, until clipping alone costs more than the best so far (it only grows from there), and then looks closely around the
 * best local minima. Of equal errors the greatest threshold wins.
 *
 * Source: `algo='mse'` of PaddlePaddle's PostTrainingQuantization, `method='mse'` of NVIDIA's HistogramCalibrator; those try a
 * fixed grid of thresholds.
 */
export function leastSquaredError(
  statistics: TensorStatistics,
  dtype: ActivationType,
  bits?: number,
): number {
  const { absMax } = statistics;
  const curve = new LossCurve(statistics);
  const at = (threshold: number): Candidate => ({ threshold, error: curve.at(threshold, dtype, bits).error });
  const candidates: Candidate[] = [at(absMax)];
  let best = candidates[0]!;
  for (let threshold = absMax * RATIO; threshold > absMax * LEAST_SHARE; threshold *= RATIO) {
    if (curve.clippingError(threshold, dtype, bits) > best.error) break;
    const candidate = at(threshold);
    candidates.push(candidate);
    best = better(best, candidate);
  }
  const minima = candidates.filter(({ error }, i) => {
    const [above, below] = [candidates[i - 1], candidates[i + 1]];
    return error <= (above?.error ?? Infinity) && error <= (below?.error ?? Infinity);
  });
  const closest = minima.sort((a, b) => a.error - b.error).slice(0, REFINED);
  return closest.map((candidate) => refine(at, candidate, absMax)).reduce(better, best).threshold;
}

/** The best of ever finer divisions around a candidate. */
function refine(at: (threshold: number) => Candidate, candidate: Candidate, most: number): Candidate {
  let best = candidate;
  let reach = candidate.threshold * (1 - RATIO);
  for (let round = 0; round < ROUNDS; ++round) {
    const center = best.threshold;
    for (let part = PARTS; part >= -PARTS; --part) {
      const threshold = center + (reach * part) / PARTS;
      if (part !== 0 && threshold > 0 && threshold <= most) best = better(best, at(threshold));
    }
    reach /= PARTS;
  }
  return best;
}

function better(a: Candidate, b: Candidate): Candidate {
  if (a.error !== b.error) return a.error < b.error ? a : b;
  return a.threshold >= b.threshold ? a : b;
}

export const mseObserver: Observer = {
  name: 'mse',
  description: 'least squared error of INT8 beside FP32',
  collects: 'histogram',
  range(statistics, dtype = typeOf(statistics), bits) {
    if (statistics.absMax === 0) return rangeOfZeros(statistics, dtype, bits);
    return { threshold: leastSquaredError(statistics, dtype, bits) };
  },
};
