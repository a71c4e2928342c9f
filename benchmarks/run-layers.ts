import type { NetworkPair } from '../examples/shared/published-networks';
import { stage } from '../examples/shared/stages';
import { inProcess } from './child';
import type { NetworkProfile } from '../lib/evaluation/layer-profile';
import type { Precision } from './protocol';
import type { OverheadOptions } from './run-overhead';

export interface MeasuredLayers {
  network: string;
  precision: Precision;
  threads: number;
  profile: NetworkProfile;
}

/** Measures both precisions of every network layer by layer. */
export async function runLayers(
  pairs: readonly NetworkPair[],
  { threads: counts, batch, seconds, processors }: OverheadOptions,
): Promise<MeasuredLayers[]> {
  const results: MeasuredLayers[] = [];
  const precisions = ['fp32', 'int8'] as const;
  const total = counts.length * pairs.length * precisions.length;
  await stage('Measuring layers', '', async (progress) => {
    for (const threads of counts)
      for (const pair of pairs)
        for (const precision of precisions) {
          const task = { kind: 'layers', model: pair[precision], batch, threads, seconds } as const;
          const profile = await inProcess(task, processors(threads));
          results.push({ network: pair.name, precision, threads, profile });
          progress(results.length, total);
        }
  });
  return results;
}
