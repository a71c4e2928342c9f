import { toStatistics, type TensorStatistics } from '../../lib/calibration/statistics';

/** Native collection, written plainly: what the addon's ObserverStatistics would be for these values. */
export function statisticsOf(values: Iterable<number>, bins = 32768): TensorStatistics {
  const finite: number[] = [];
  let nonFinite = 0;
  let absMax = 0;
  for (const value of values) {
    if (!Number.isFinite(value)) {
      nonFinite += 1;
      continue;
    }
    finite.push(value);
    absMax = Math.max(absMax, Math.abs(value));
  }
  let range = absMax === 0 ? 0 : 2 ** Math.floor(Math.log2(absMax));
  while (range !== 0 && range <= absMax) range *= 2;
  const positive = new Float64Array(bins);
  const negative = new Float64Array(bins);
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let sumOfSquares = 0;
  for (const value of finite) {
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
    sumOfSquares += value * value;
    const side = value < 0 ? negative : positive;
    side[range === 0 ? 0 : Math.floor((Math.abs(value) / range) * bins)]! += 1;
  }
  const count = finite.length + nonFinite;
  return toStatistics({ count, min, max, nonFinite, range, positive, negative, sum, sumOfSquares });
}

/** Reproducible samples: mulberry32. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `count` samples of the standard normal distribution, as float32. */
export function gaussian(count: number, seed: number): Float32Array {
  const next = random(seed);
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  );
}
