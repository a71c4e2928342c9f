import { Calibr8Error } from '../errors';
import type { Tensor } from '../tensor';
import { checkLabels, type Sample } from './dataset';
import { ImageInput } from './image-input';
import { imageChunks, mapBounded } from './images';
import { AccuracyMeter, ComparisonMeter } from './metrics';
import type { Preprocessing } from './preprocessing';
import type { Runnable } from './runnable';

export interface EvaluateOptions {
  session: Runnable;
  /** A network to compare with, usually the FP32 one. */
  reference?: Runnable | undefined;
  samples: readonly Sample[];
  preprocessing: Preprocessing;
  /** Images a run; default 1, or what the network is fixed to. */
  batch?: number | undefined;
  /** Runs under way at once; default 1. */
  streams?: number | undefined;
  /** Name of the output that holds the logits; needed where a network has several. */
  output?: string | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** Stops between chunks of images by throwing the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Accuracy in percent; present only where the samples have labels. */
export interface NetworkResult {
  top1?: number;
  top5?: number;
  /** Images a second of the network alone: time inside run(), without decoding. */
  imagesPerSecond: number;
}

export interface EvaluationResult extends NetworkResult {
  samples: number;
  /** Images a second of everything: decoding, both networks, comparison. */
  endToEndImagesPerSecond: number;
  reference?: NetworkResult;
  /** Percent of images with the same first choice. */
  agreement?: number;
  /** Signal to noise of the logits in dB; Infinity where they are equal. */
  sqnrDb?: number;
}

/** Enough to keep the decoding threads busy, few enough to stay small: 16 ImageNet crops are 2.4 MB. */
const CHUNK = 16;

/**
 * Runs one network, or two on the same images, over a data set.
 * @throws INVALID_DATASET for images and labels, INVALID_ARGUMENT where network and images do not fit, NON_FINITE_VALUE
 */
export async function evaluate(options: EvaluateOptions): Promise<EvaluationResult> {
  const { samples, preprocessing, signal, streams = 1 } = options;
  if (samples.length === 0)
    throw new Calibr8Error('INVALID_DATASET', 'Expected images to evaluate on but received none.');
  const subject = new Subject(options.session, options, options.output);
  const other = options.reference && new Subject(options.reference, options, options.output, true);
  const comparison = other && new ComparisonMeter();
  const size = chunkSize(subject.batch, streams);
  const start = performance.now();
  let done = 0;
  for await (const chunk of imageChunks(samples, preprocessing, size)) {
    signal?.throwIfAborted();
    const rows = await subject.answer(chunk.images, chunk.samples);
    const referenceRows = await other?.answer(chunk.images, chunk.samples);
    rows.forEach((row, index) => {
      if (referenceRows) compare(comparison!, referenceRows[index]!, row);
    });
    options.onProgress?.((done += chunk.images.length), samples.length);
  }
  const seconds = (performance.now() - start) / 1000;
  return {
    samples: samples.length,
    ...subject.result(),
    endToEndImagesPerSecond: samples.length / seconds,
    ...(other && { reference: other.result() }),
    ...(comparison && { agreement: comparison.agreement, sqnrDb: comparison.sqnrDb }),
  };
}

/** Whole batches for every stream, several in turn, so that streams seldom wait at a chunk's end. */
function chunkSize(batch: number, streams: number): number {
  const round = batch * streams;
  return round * Math.max(streams > 1 ? 4 : 1, Math.ceil(CHUNK / round));
}

function compare(meter: ComparisonMeter, reference: Row, row: Row): void {
  if (reference.length !== row.length)
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected two networks with as many classes but the model has ${row.length} and the one it is compared with ${reference.length}.`,
    );
  meter.add(reference, row);
}

type Row = Float32Array;

/** A network under evaluation: its input, its output, its score and its time. */
class Subject {
  readonly #input: ImageInput;
  readonly #output: string;
  readonly #accuracy = new AccuracyMeter();
  #milliseconds = 0;
  #images = 0;
  #warm = false;

  constructor(
    readonly session: Runnable,
    readonly options: EvaluateOptions,
    output: string | undefined,
    lenient = false,
  ) {
    this.#input = new ImageInput(session.inputMetadata, options.preprocessing, options.batch);
    this.#output = chooseOutput(session.outputNames, output, lenient);
  }

  get batch(): number {
    return this.#input.batch;
  }

  /** The logits of each image. */
  async answer(images: readonly Uint8Array[], samples: readonly Sample[]): Promise<Row[]> {
    const feeds: Record<string, Tensor>[] = [];
    for (let start = 0; start < images.length; start += this.batch)
      feeds.push(this.#input.feed(images.slice(start, start + this.batch)));
    if (!this.#warm) await this.#warmUp(feeds[0]!);
    const start = performance.now();
    const outputs = await mapBounded(feeds, this.options.streams ?? 1, (feed) => this.#run(feed));
    this.#milliseconds += performance.now() - start;
    this.#images += feeds.length * this.batch;
    const rows = outputs.flatMap((tensor) => this.#rows(tensor)).slice(0, images.length);
    rows.forEach((row, index) => this.#score(row, samples[index]!));
    return rows;
  }

  result(): NetworkResult {
    return {
      ...(this.#accuracy.count > 0 && { top1: this.#accuracy.top1, top5: this.#accuracy.top5 }),
      imagesPerSecond: this.#images / (this.#milliseconds / 1000),
    };
  }

  /** The first run compiles the network, which is not its speed; and tells how many classes there are. */
  async #warmUp(feed: Record<string, Tensor>): Promise<void> {
    const [row] = this.#rows(await this.#run(feed));
    checkLabels(this.options.samples, row!.length);
    this.#warm = true;
  }

  async #run(feed: Record<string, Tensor>): Promise<Tensor> {
    return (await this.session.run(feed, [this.#output]))[this.#output]!;
  }

  #rows(tensor: Tensor): Row[] {
    const { data, dims } = tensor;
    if (tensor.type !== 'float32' || data.length % this.batch !== 0 || data.length === 0)
      throw new Calibr8Error(
        'INVALID_ARGUMENT',
        `Expected float32 logits [${this.batch}, classes] in output "${this.#output}" but it is ${tensor.type} [${dims.join(', ')}]. Name another output with --logits.`,
      );
    const classes = data.length / this.batch;
    return Array.from({ length: this.batch }, (_, i) =>
      (data as Float32Array).subarray(i * classes, (i + 1) * classes),
    );
  }

  #score(row: Row, { file, label }: Sample): void {
    if (!row.every(Number.isFinite))
      throw new Calibr8Error(
        'NON_FINITE_VALUE',
        `Expected finite logits for "${file}" but output "${this.#output}" holds NaN or Infinity. Check --preprocess and the model.`,
      );
    if (label !== undefined) this.#accuracy.add(row, label);
  }
}

/** The reference of a comparison may call its only output otherwise, so there a name that it lacks is no error. */
function chooseOutput(names: readonly string[], wanted: string | undefined, lenient: boolean): string {
  if (wanted !== undefined && names.includes(wanted)) return wanted;
  if (names.length === 1 && (wanted === undefined || lenient)) return names[0]!;
  const received = wanted === undefined ? `the network has ${names.length}` : `received "${wanted}"`;
  throw new Calibr8Error(
    'INVALID_ARGUMENT',
    `Expected the name of the output with the logits, one of ${names.join(', ')}, but ${received}. Name it with --logits.`,
  );
}
