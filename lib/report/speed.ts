import { clone } from '../graph/clone';
import type { Graph } from '../graph/graph';
import type { ResolvedOptions } from '../runtime/options';
import { InferenceSession, type Profile, type TensorMap } from '../runtime/session';
import type { SpeedFacts } from './comparison';

/** Runs of which the median counts; few, since this is a look and no benchmark. */
const RUNS = 5;

/** Times both networks as they run in earnest, without anything to be seen of their insides. Takes canonical graphs. */
export async function measureSpeed(
  reference: Graph,
  quantized: Graph,
  feeds: TensorMap,
  options: ResolvedOptions,
  batch: number,
): Promise<SpeedFacts> {
  const fp32 = await profile(reference, feeds, options);
  const int8 = await profile(quantized, feeds, options);
  return {
    threads: options.threadsPerStream,
    batch,
    fp32Milliseconds: fp32.totalNanoseconds / 1e6,
    int8Milliseconds: int8.totalNanoseconds / 1e6,
    steps: int8.steps,
  };
}

async function profile(graph: Graph, feeds: TensorMap, options: ResolvedOptions): Promise<Profile> {
  const session = await InferenceSession.fromGraph(clone(graph).graph, options);
  try {
    return await session.profile(feeds, RUNS);
  } finally {
    await session.release();
  }
}
