import { LossCurve } from '../loss-curve';
import { rangeOfZeros, typeOf, type Observer } from './observer';

/** Errors that differ by less are equal: the curve is not more exact than that. */
const TIE = 1e-6;

/**
 * For each tensor the range of that observer which makes the least squared error on the sampled values; of equal ones the range
 * that clips less.
 */
export function autoObserver(observers: readonly Observer[]): Observer {
  return {
    name: 'auto',
    description: 'for each tensor, which of the others makes least error',
    collects: 'histogram',
    range(statistics, dtype = typeOf(statistics), bits) {
      if (statistics.absMax === 0) return rangeOfZeros(statistics, dtype, bits);
      const curve = new LossCurve(statistics);
      const ranges = observers.map((observer) => {
        const { threshold } = observer.range(statistics, dtype, bits);
        return { threshold, chosen: observer.name, error: curve.at(threshold, dtype, bits).error };
      });
      const least = Math.min(...ranges.map(({ error }) => error));
      const [best] = ranges
        .filter(({ error }) => error <= least * (1 + TIE))
        .sort((a, b) => b.threshold - a.threshold);
      return { threshold: best!.threshold, chosen: best!.chosen };
    },
  };
}
