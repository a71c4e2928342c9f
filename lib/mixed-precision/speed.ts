import type { Runnable } from '../evaluation/runnable';
import { quantile } from '../evaluation/metrics';
import { measureThroughput } from '../evaluation/throughput';
import type { TensorMap } from '../runtime/session';

/** Samples a second of two networks, measured in turns in one process. */
export interface SpeedComparison {
  /** Everything in INT8; the median of the trials. */
  allInt8: number;
  /** The saved network. */
  result: number;
  /** Samples in a run. */
  batch: number;
  threads: number;
}

const TRIALS = 5;
const SECONDS = 0.25;

/** In turns, so that whatever else the machine does meets both. */
export async function compareSpeed(
  networks: { allInt8: Pick<Runnable, 'run'>; result: Pick<Runnable, 'run'> },
  feeds: TensorMap,
  threads: number,
  { onTrial, signal }: { onTrial: (done: number, total: number) => void; signal: AbortSignal | undefined },
): Promise<SpeedComparison> {
  const batch = Object.values(feeds)[0]?.dims[0] ?? 1;
  const rate = async (session: Pick<Runnable, 'run'>): Promise<number> => {
    const options = { session, feeds, batch, streams: 1, seconds: SECONDS, trials: 1, signal };
    return (await measureThroughput(options)).imagesPerSecond.median;
  };
  const rates = { allInt8: [] as number[], result: [] as number[] };
  for (let trial = 0; trial < TRIALS; ++trial) {
    rates.allInt8.push(await rate(networks.allInt8));
    rates.result.push(await rate(networks.result));
    onTrial(trial + 1, TRIALS);
  }
  const median = (values: number[]): number =>
    quantile(
      values.sort((a, b) => a - b),
      0.5,
    );
  return { allInt8: median(rates.allInt8), result: median(rates.result), batch, threads };
}
