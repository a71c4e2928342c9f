import { join } from 'node:path';
import { AccuracyMeter, ComparisonMeter } from '../../lib/evaluation/metrics';
import type { InputMetadata, Runnable } from '../../lib/evaluation/runnable';
import { packageRoot } from '../../lib/runtime/load';
import { Tensor } from '../../lib/tensor';
import { IMAGE_SIZE, SPLIT_SIZES, renderImage, toInput, type LabeledImage, type Split } from '../shapes';
import type { Comparison, Feeds, OnProgress, Score, Task } from './task';

/** The two networks that are trained on the shapes, with the algorithm that the publication used for their kind. */
export const SHAPES_NETWORKS = [
  { name: 'shapes-resnet', algo: 'max', path: trained('shapes-resnet') },
  { name: 'shapes-mobilenet', algo: 'KL', path: trained('shapes-mobilenet') },
] as const;

const BYTES = 3 * IMAGE_SIZE * IMAGE_SIZE;

/** The task of examples/shapes: nothing to download, the images are rendered. */
export class ShapesTask implements Task {
  readonly description: string;
  readonly preprocessing = '(x / 255 - 0.5) / 0.25, RGB, 40 x 40';
  readonly #indexes: readonly number[];
  /** Rendering takes longer than running the networks, and both are run on the same images. */
  readonly #rendered = new Map<number, LabeledImage>();

  /** @param images validation images to use; default all of them. Labels go round, so the first few are balanced too. */
  constructor(images: number = SPLIT_SIZES.validation) {
    this.#indexes = firstOf('validation', images);
    this.description = `${this.#indexes.length.toLocaleString('en-US')} rendered images of the shapes task`;
  }

  async *calibrationFeeds(inputs: readonly InputMetadata[], count: number): AsyncGenerator<Feeds> {
    for (const index of firstOf('calibration', count))
      yield toFeeds(inputs, renderImage('calibration', index));
  }

  async *validationFeeds(inputs: readonly InputMetadata[], count: number): AsyncGenerator<Feeds> {
    for (const index of this.#indexes.slice(0, count)) yield toFeeds(inputs, this.#validation(index));
  }

  async compare(fp32: Runnable, int8: Runnable, onProgress?: OnProgress): Promise<Comparison> {
    const [first, second] = [new Subject(fp32), new Subject(int8)];
    const meter = new ComparisonMeter();
    for (const [position, index] of this.#indexes.entries()) {
      const image = this.#validation(index);
      meter.add(await first.answer(image), await second.answer(image));
      onProgress?.(position + 1, this.#indexes.length);
    }
    const { agreement, sqnrDb } = meter;
    return { images: this.#indexes.length, fp32: first.score, int8: second.score, agreement, sqnrDb };
  }

  #validation(index: number): LabeledImage {
    let image = this.#rendered.get(index);
    if (!image) this.#rendered.set(index, (image = renderImage('validation', index)));
    return image;
  }
}

/** A network that is being scored. */
class Subject {
  readonly #accuracy = new AccuracyMeter();
  #milliseconds = 0;
  #runs = 0;

  constructor(readonly session: Runnable) {}

  async answer(image: LabeledImage): Promise<Float32Array> {
    const feeds = toFeeds(this.session.inputMetadata, image);
    // The first run compiles the network, which is not its speed.
    if (this.#runs === 0) await this.session.run(feeds);
    const start = performance.now();
    const outputs = await this.session.run(feeds);
    this.#milliseconds += performance.now() - start;
    ++this.#runs;
    const logits = outputs[this.session.outputNames[0]!]!.data as Float32Array;
    this.#accuracy.add(logits, image.label);
    return logits;
  }

  get score(): Score {
    return { top1: this.#accuracy.top1, imagesPerSecond: (1000 * this.#runs) / this.#milliseconds };
  }
}

function trained(name: string): string {
  return join(packageRoot(), 'examples', 'networks', `${name}.onnx`);
}

function firstOf(split: Split, count: number): number[] {
  return Array.from({ length: Math.min(count, SPLIT_SIZES[split]) }, (_, index) => index);
}

function toFeeds(inputs: readonly InputMetadata[], { pixels }: LabeledImage): Feeds {
  const data = toInput(pixels, new Float32Array(BYTES));
  return { [inputs[0]!.name]: new Tensor('float32', data, [1, 3, IMAGE_SIZE, IMAGE_SIZE]) };
}
