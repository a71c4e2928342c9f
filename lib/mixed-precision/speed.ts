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
  /** The second by the first, of each pair of trials; on a machine with other work the steadier figure. */
  ratio: { median: number; min: number; max: number };
  /** Samples in a run. */
  batch: number;
  threads: number;
}

const TRIALS = 7;
const SECONDS = 0.2;

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
  const allInt8: number[] = [];
  const result: number[] = [];
  for (let trial = 0; trial < TRIALS; ++trial) {
    allInt8.push(await rate(networks.allInt8));
    result.push(await rate(networks.result));
    onTrial(trial + 1, TRIALS);
  }
  const ratios = ascending(result.map((value, trial) => value / allInt8[trial]!));
  return {
    allInt8: quantile(ascending(allInt8), 0.5),
    result: quantile(ascending(result), 0.5),
    ratio: { median: quantile(ratios, 0.5), min: ratios[0]!, max: ratios.at(-1)! },
    batch,
    threads,
  };
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}
