import type { Sample } from '../evaluation/dataset';
import { ImageInput } from '../evaluation/image-input';
import { imageChunks, type Chunk } from '../evaluation/images';
import type { Preprocessing } from '../evaluation/preprocessing';
import type { InputMetadata } from '../evaluation/runnable';
import type { ValidationSample } from '../mixed-precision/options';

/** Images decoded at a time. */
const CHUNK = 16;
/** Decoded images up to this size in all are kept for the next time. */
const KEPT_BYTES = 256 * 1024 * 1024;

/** Images as runs of a network; each time from the beginning. */
export class ImageRuns implements AsyncIterable<ValidationSample> {
  readonly #input: ImageInput;
  #kept: Chunk[] | undefined;

  constructor(
    inputs: readonly InputMetadata[],
    readonly samples: readonly Sample[],
    readonly preprocessing: Preprocessing,
  ) {
    this.#input = new ImageInput(inputs, preprocessing);
  }

  /** Images in a run. */
  get batch(): number {
    return this.#input.batch;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ValidationSample> {
    for await (const chunk of this.#chunks()) yield* this.#runs(chunk);
  }

  *#runs({ samples, images }: Chunk): Generator<ValidationSample> {
    const { batch } = this.#input;
    for (let start = 0; start < images.length; start += batch) {
      const labels = samples.slice(start, start + batch).map(({ label }) => label);
      const known = labels.filter((label) => label !== undefined);
      yield {
        feeds: this.#input.feed(images.slice(start, start + batch)),
        rows: labels.length,
        ...(known.length === labels.length && { labels: known }),
      };
    }
  }

  async *#chunks(): AsyncGenerator<Chunk> {
    if (this.#kept) {
      yield* this.#kept;
      return;
    }
    const size = this.#input.batch * Math.ceil(CHUNK / this.#input.batch);
    const kept: Chunk[] = [];
    let bytes = 0;
    for await (const chunk of imageChunks(this.samples, this.preprocessing, size)) {
      bytes += chunk.images.reduce((sum, image) => sum + image.byteLength, 0);
      if (bytes <= KEPT_BYTES) kept.push(chunk);
      yield chunk;
    }
    if (bytes <= KEPT_BYTES) this.#kept = kept;
  }
}
