import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Calibr8Error } from '../../lib/errors';
import { openDataset, readImageFolder, spread, type Sample } from '../../lib/evaluation/dataset';
import { evaluate } from '../../lib/evaluation/evaluate';
import { ImageInput } from '../../lib/evaluation/image-input';
import { imageChunks } from '../../lib/evaluation/images';
import { formatPreprocessing, type Preprocessing } from '../../lib/evaluation/preprocessing';
import type { InputMetadata, Runnable } from '../../lib/evaluation/runnable';
import type { Comparison, Feeds, OnProgress, Task } from './task';

export interface ImagesTaskOptions {
  /** Folder of the validation images. */
  data: string;
  /** List with lines `file label`; default `val_list.txt` in the folder where it is there, else a folder a class. */
  labels?: string | undefined;
  /** Folder of calibration images; default: `samples` validation images are set aside for it. */
  calibration?: string | undefined;
  /** Calibration images. */
  samples: number;
  /** Validation images, spread over the set; default all of them. */
  images?: number | undefined;
  preprocessing: Preprocessing;
  /** Added to each label. */
  labelOffset: number;
}

/** Images decoded at a time. */
const CHUNK = 16;

/** A data set of image files, such as ImageNet's validation set. */
export class ImagesTask implements Task {
  readonly description: string;
  readonly preprocessing: string;

  private constructor(
    readonly calibration: readonly Sample[],
    readonly validation: readonly Sample[],
    readonly pixels: Preprocessing,
    data: string,
  ) {
    this.description = `${validation.length.toLocaleString('en-US')} images of ${data}`;
    this.preprocessing = formatPreprocessing(pixels);
  }

  /** @throws INVALID_DATASET, FILE_ACCESS */
  static async open(options: ImagesTaskOptions): Promise<ImagesTask> {
    const { data, calibration, samples, preprocessing, labelOffset } = options;
    const some = (list: readonly Sample[]): readonly Sample[] => spread(list, options.images ?? list.length);
    const labels = options.labels ?? defaultList(data);
    const images = labels === undefined ? data : imageFolder(data);
    const all = await openDataset({ data: images, labels, labelOffset });
    if (all.some(({ label }) => label === undefined))
      throw new Calibr8Error(
        'INVALID_DATASET',
        `Expected labels for the images in "${data}": val_list.txt with lines "file label", or a folder a class.`,
      );
    if (calibration !== undefined) {
      const chosen = spread(await readImageFolder(calibration), samples);
      return new ImagesTask(chosen, some(all), preprocessing, data);
    }
    // Calibrating on images that are evaluated on afterwards would flatter the result.
    const aside = new Set(spread(all, samples));
    const rest = all.filter((sample) => !aside.has(sample));
    return new ImagesTask([...aside], some(rest), preprocessing, data);
  }

  calibrationFeeds(inputs: readonly InputMetadata[], count: number): AsyncIterable<Feeds> {
    return this.#feeds(inputs, spread(this.calibration, count));
  }

  validationFeeds(inputs: readonly InputMetadata[], count: number): AsyncIterable<Feeds> {
    return this.#feeds(inputs, spread(this.validation, count));
  }

  async compare(fp32: Runnable, int8: Runnable, onProgress?: OnProgress): Promise<Comparison> {
    const result = await evaluate({
      session: int8,
      reference: fp32,
      samples: this.validation,
      preprocessing: this.pixels,
      onProgress,
    });
    const reference = result.reference!;
    return {
      images: result.samples,
      fp32: { top1: reference.top1!, imagesPerSecond: reference.imagesPerSecond },
      int8: { top1: result.top1!, imagesPerSecond: result.imagesPerSecond },
      agreement: result.agreement!,
      sqnrDb: result.sqnrDb!,
    };
  }

  async *#feeds(inputs: readonly InputMetadata[], samples: readonly Sample[]): AsyncGenerator<Feeds> {
    const input = new ImageInput(inputs, this.pixels);
    for await (const { images } of imageChunks(samples, this.pixels, input.batch * CHUNK))
      for (let start = 0; start < images.length; start += input.batch)
        yield input.feed(images.slice(start, start + input.batch));
  }
}

function defaultList(data: string): string | undefined {
  const path = join(data, 'val_list.txt');
  return existsSync(path) ? path : undefined;
}

/** Lists name files relative to the folder itself or to `images` in it. */
function imageFolder(data: string): string {
  const inner = join(data, 'images');
  return existsSync(inner) ? inner : data;
}
