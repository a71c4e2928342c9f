import { InvalidArgumentError } from 'commander';
import { UsageError } from './io';

/** One of several parts of the same work: `index` from 1 to `count`. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** Reads `2/8` for commander. */
export function parseShard(text: string): Shard {
  const match = /^(\d+)\/(\d+)$/.exec(text);
  const [index, count] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || index < 1 || index > count || !Number.isSafeInteger(count))
    throw new InvalidArgumentError('Expected INDEX/COUNT with an index from 1 to the count, as in 2/8.');
  return { index, count };
}

/**
 * The samples of one shard: every count-th run's, so that each run is fed in exactly one shard what it would be fed without shards.
 * @param batch samples a run
 * @throws UsageError where there are none
 */
export function samplesOf<T>(samples: readonly T[], batch: number, shard: Shard): T[] {
  const mine = samples.filter((_, i) => Math.floor(i / batch) % shard.count === shard.index - 1);
  if (mine.length > 0) return mine;
  const runs = Math.ceil(samples.length / batch);
  throw new UsageError(
    `--shard: Expected at most ${runs} shards, a run each (${samples.length} samples, ${batch} a run), but received ${shard.index}/${shard.count}, which is left without any.`,
  );
}
