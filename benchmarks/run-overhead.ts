import type { NetworkPair } from '../examples/shared/published-networks';
import { stage } from '../examples/shared/stages';
import { inProcess } from './child';
import { withoutVnni } from './implementations';
import type { Overhead, Precision, StepFacts } from './protocol';

export interface MeasuredOverhead extends Omit<Overhead, 'steps'> {
  network: string;
  precision: Precision;
  threads: number;
  /** What run() costs over its primitives, percent of them. */
  overheadPercent: number;
  /** For INT8: convolutions and matrix products that do not run on VNNI. */
  withoutVnni?: StepFacts[];
}

export interface OverheadOptions {
  threads: readonly number[];
  batch: number;
  seconds: number;
  processors: (threads: number) => readonly number[] | undefined;
}

/** Measures the overhead of run() for both precisions of every network. */
export async function runOverhead(
  pairs: readonly NetworkPair[],
  { threads: counts, batch, seconds, processors }: OverheadOptions,
): Promise<MeasuredOverhead[]> {
  const results: MeasuredOverhead[] = [];
  const precisions = ['fp32', 'int8'] as const;
  const total = counts.length * pairs.length * precisions.length;
  await stage('Measuring run() against its primitives', '', async (progress) => {
    for (const threads of counts)
      for (const pair of pairs)
        for (const precision of precisions) {
          const task = { kind: 'overhead', model: pair[precision], batch, threads, seconds } as const;
          const { steps, ...times } = await inProcess(task, processors(threads));
          results.push({
            network: pair.name,
            precision,
            threads,
            ...times,
            overheadPercent: 100 * (times.runMs / times.primitivesMs - 1),
            ...(precision === 'int8' && { withoutVnni: withoutVnni(steps) }),
          });
          progress(results.length, total);
        }
  });
  return results;
}
