import { createHash } from 'node:crypto';
import type { InputMetadata, Runnable } from '../../lib/evaluation/runnable';
import { bytesOf } from '../../lib/runtime/feeds';
import type { Tensor } from '../../lib/tensor';

export type Feeds = Record<string, Tensor>;
export type OnProgress = (done: number, total: number) => void;

/** How one network did on the images. */
export interface Score {
  /** Percent of images whose label is the network's first choice. */
  top1: number;
  /** Of the network alone, one image a run. */
  imagesPerSecond: number;
}

/** How an FP32 network and its INT8 version did on the same images. */
export interface Comparison {
  images: number;
  fp32: Score;
  int8: Score;
  /** Percent of images with the same first choice. */
  agreement: number;
  sqnrDb: number;
}

/** Labeled images that networks are calibrated and compared on. */
export interface Task {
  /** What the images are, for reports. */
  readonly description: string;
  /** Recorded in the calibrated network. */
  readonly preprocessing: string;
  /** Images of the calibration set, none of which is among the validation images. */
  calibrationFeeds(inputs: readonly InputMetadata[], count: number): AsyncIterable<Feeds>;
  /** Validation images, one a run; at most `count`, spread over the set. */
  validationFeeds(inputs: readonly InputMetadata[], count: number): AsyncIterable<Feeds>;
  /** Runs both on every validation image. */
  compare(fp32: Runnable, int8: Runnable, onProgress?: OnProgress): Promise<Comparison>;
}

/** SHA-256 over every output of every run: two networks have the same only where their answers are equal bit for bit. */
export async function hashAnswers(session: Runnable, feeds: AsyncIterable<Feeds>): Promise<string> {
  const hash = createHash('sha256');
  for await (const feed of feeds) {
    const outputs = await session.run(feed);
    for (const name of session.outputNames) hash.update(bytesOf(outputs[name]!.data));
  }
  return hash.digest('hex');
}
