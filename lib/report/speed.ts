import { clone } from '../graph/clone';
import type { Graph } from '../graph/graph';
import type { ResolvedOptions } from '../runtime/options';
import { InferenceSession, type Profile, type TensorMap } from '../runtime/session';
import type { SpeedFacts } from './comparison';

/** Runs of each, in turns, of which the median counts; few, since this is a look and no benchmark. */
const RUNS = 9;

/** Times both networks as they run in earnest, without anything to be seen of their insides. Takes canonical graphs. */
export async function measureSpeed(
  reference: Graph,
  quantized: Graph,
  feeds: TensorMap,
  options: ResolvedOptions,
  batch: number,
): Promise<SpeedFacts> {
  const sessions: InferenceSession[] = [];
  try {
    for (const graph of [reference, quantized])
      sessions.push(await InferenceSession.fromGraph(clone(graph).graph, options));
    const profiles: Profile[][] = sessions.map(() => []);
    for (let run = 0; run < RUNS; ++run)
      for (const [index, session] of sessions.entries())
        profiles[index]!.push(await session.profile(feeds, 1));
    const [fp32, int8] = profiles.map(medianOf) as [Profile, Profile];
    return {
      threads: options.threadsPerStream,
      batch,
      fp32Milliseconds: fp32.totalNanoseconds / 1e6,
      int8Milliseconds: int8.totalNanoseconds / 1e6,
      steps: int8.steps,
    };
  } finally {
    await Promise.all(sessions.map((session) => session.release()));
  }
}

function medianOf(profiles: readonly Profile[]): Profile {
  return [...profiles].sort((a, b) => a.totalNanoseconds - b.totalNanoseconds)[profiles.length >> 1]!;
}
