import type { Tensor } from '../tensor';
import { quantile } from './metrics';
import type { Runnable } from './runnable';

export interface ThroughputOptions {
  session: Pick<Runnable, 'run'>;
  feeds: Record<string, Tensor>;
  /** Images in one run. */
  batch: number;
  /**
   * Of the session. Several always have one run more than they are, a loop each, so that none runs dry while the caller hears of an
   * answer; latencies then have that one's wait in them.
   */
  streams: number;
  /** Time to measure, shared by the trials; warm-up comes on top. */
  seconds: number;
  /** Default 5. */
  trials?: number;
  onProgress?: ((share: number) => void) | undefined;
  /** Stops between runs by throwing the signal's reason. */
  signal?: AbortSignal | undefined;
}

export interface ThroughputResult {
  /** Over the trials. */
  imagesPerSecond: { median: number; min: number; max: number };
  /** Of single runs, over all trials. */
  latencyMs: { p50: number; p90: number; p99: number };
}

/** Warms up for a fifth of the time, at least one run a loop, then measures trials of equal length, at least one run a loop each. */
export async function measureThroughput(options: ThroughputOptions): Promise<ThroughputResult> {
  const { seconds, batch, trials = 5, onProgress } = options;
  // The very first run compiles; the streams together would all wait for it.
  await options.session.run(options.feeds);
  await trial(options, seconds / 5);
  const rates: number[] = [];
  const each: number[][] = [];
  for (let i = 0; i < trials; ++i) {
    const { milliseconds, runs } = await trial(options, seconds / trials);
    rates.push((runs.length * batch * 1000) / milliseconds);
    each.push(runs);
    onProgress?.((i + 1) / trials);
  }
  rates.sort((a, b) => a - b);
  const latencies = each.flat().sort((a, b) => a - b);
  return {
    imagesPerSecond: { median: quantile(rates, 0.5), min: rates[0]!, max: rates.at(-1)! },
    latencyMs: {
      p50: quantile(latencies, 0.5),
      p90: quantile(latencies, 0.9),
      p99: quantile(latencies, 0.99),
    },
  };
}

/** Latencies of single runs in milliseconds and the time until the last loop ended. */
async function trial(
  { session, feeds, streams, signal }: ThroughputOptions,
  seconds: number,
): Promise<{ milliseconds: number; runs: number[] }> {
  const runs: number[] = [];
  const start = performance.now();
  const loop = async (): Promise<void> => {
    let now = performance.now();
    do {
      signal?.throwIfAborted();
      await session.run(feeds);
      const end = performance.now();
      runs.push(end - now);
      now = end;
    } while (now - start < seconds * 1000);
  };
  await Promise.all(Array.from({ length: streams > 1 ? streams + 1 : 1 }, loop));
  return { milliseconds: performance.now() - start, runs };
}
