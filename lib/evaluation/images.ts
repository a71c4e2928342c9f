import { loadPixels } from './image';
import type { Preprocessing } from './preprocessing';
import type { Sample } from './dataset';

/** A decoded group of samples. */
export interface Chunk {
  readonly samples: readonly Sample[];
  /** The pixels of each sample, RGB of the size of the crop. */
  readonly images: readonly Uint8Array[];
}

/** Node's thread pool, which decodes, has four threads unless told otherwise. */
const IN_FLIGHT = 4;

/**
 * Decodes the samples in order, `size` at a time. Nothing is decoded while the caller works on a chunk, so that timing a
 * network there is not disturbed, and no more than a chunk is ever in memory.
 */
export async function* imageChunks(
  samples: readonly Sample[],
  preprocessing: Preprocessing,
  size: number,
): AsyncGenerator<Chunk> {
  for (let start = 0; start < samples.length; start += size) {
    const chunk = samples.slice(start, start + size);
    yield {
      samples: chunk,
      images: await mapBounded(chunk, IN_FLIGHT, ({ file }) => loadPixels(file, preprocessing)),
    };
  }
}

/** Maps in order with at most `limit` calls under way. After a failure no more start, and it waits for those that run. */
export async function mapBounded<T, R>(
  items: readonly T[],
  limit: number,
  map: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        results[index] = await map(items[index]!, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, worker));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return results;
}
