import { quantile } from '../lib/evaluation/metrics';
import type { ThroughputResult } from '../lib/evaluation/throughput';

export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

/** The trials of one configuration together: median, least and greatest speed, the median of each latency quantile. */
export function combineTrials(trials: readonly ThroughputResult[]): ThroughputResult {
  const rates = trials.map(({ imagesPerSecond }) => imagesPerSecond.median);
  const latency = (key: 'p50' | 'p90' | 'p99'): number =>
    median(trials.map(({ latencyMs }) => latencyMs[key]));
  return {
    imagesPerSecond: { median: median(rates), min: Math.min(...rates), max: Math.max(...rates) },
    latencyMs: { p50: latency('p50'), p90: latency('p90'), p99: latency('p99') },
  };
}
