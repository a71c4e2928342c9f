import { quantile } from '../../lib/evaluation/metrics';
import { syntheticFeeds } from '../../lib/evaluation/synthetic-feeds';
import { measureThroughput } from '../../lib/evaluation/throughput';
import { InferenceSession } from '../../lib/runtime/session';
import type { OnProgress } from '../shared/task';

/** Images per second. */
export interface PairSpeed {
  fp32: number;
  int8: number;
}

const ROUNDS = 3;

/** Measures an FP32 network and its INT8 version in turns, so that what disturbs this machine for a while disturbs both. */
export async function measurePair(
  pair: { fp32: string; int8: string },
  seconds: number,
  onProgress: OnProgress,
): Promise<PairSpeed> {
  const kinds = ['fp32', 'int8'] as const;
  const rates: Record<(typeof kinds)[number], number[]> = { fp32: [], int8: [] };
  const sessions = { fp32: await open(pair.fp32), int8: await open(pair.int8) };
  try {
    for (let round = 0; round < ROUNDS; ++round) {
      for (const [index, kind] of kinds.entries()) {
        const session = sessions[kind];
        const { feeds, batch } = syntheticFeeds(session.inputMetadata);
        const options = { session, feeds, batch, streams: 1, seconds: seconds / ROUNDS, trials: 1 };
        rates[kind].push((await measureThroughput(options)).imagesPerSecond.median);
        onProgress(round * kinds.length + index + 1, ROUNDS * kinds.length);
      }
    }
  } finally {
    await Promise.all(kinds.map((kind) => sessions[kind].release()));
  }
  return { fp32: median(rates.fp32), int8: median(rates.int8) };
}

function open(model: string): Promise<InferenceSession> {
  return InferenceSession.create(model, { streams: 1, threadsPerStream: 1 });
}

function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}
