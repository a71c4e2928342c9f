import type { ThroughputResult } from '../lib/evaluation/throughput';
import type { OnProgress } from '../examples/shared/task';
import { inProcess } from './child';
import type { Configuration } from './protocol';
import { combineTrials } from './statistics';

/** A configuration's trials together. */
export interface Measured extends Configuration, ThroughputResult {
  /** Images per second of each trial. */
  trials: number[];
}

export interface TrialOptions {
  trials: number;
  /** Of each trial, without warm-up. */
  seconds: number;
  /** Processors to pin a configuration to; undefined: none. */
  processors: (configuration: Configuration) => readonly number[] | undefined;
  onProgress?: OnProgress | undefined;
}

/**
 * The order of all measurements: every configuration once, then every one again, backwards each second time, so that a
 * machine that slows down or speeds up does so for all of them alike.
 */
export function schedule<T>(configurations: readonly T[], trials: number): T[] {
  const forth = [...configurations];
  const back = [...configurations].reverse();
  return Array.from({ length: trials }, (_, trial) => (trial % 2 === 0 ? forth : back)).flat();
}

/** Measures every configuration, a process a trial. */
export async function runTrials(
  configurations: readonly Configuration[],
  { trials, seconds, processors, onProgress }: TrialOptions,
): Promise<Measured[]> {
  const results = new Map<Configuration, ThroughputResult[]>(configurations.map((one) => [one, []]));
  const order = schedule(configurations, trials);
  for (const [index, configuration] of order.entries()) {
    const { model, engine, batch, streams, threads } = configuration;
    const task = { kind: 'throughput', model, engine, batch, streams, threads, seconds } as const;
    results.get(configuration)!.push(await inProcess(task, processors(configuration)));
    onProgress?.(index + 1, order.length);
  }
  return configurations.map((configuration) => {
    const each = results.get(configuration)!;
    const rates = each.map(({ imagesPerSecond }) => imagesPerSecond.median);
    return { ...configuration, ...combineTrials(each), trials: rates };
  });
}
