import { Calibr8Error } from '../errors';
import { AccuracyMeter, ComparisonMeter } from '../evaluation/metrics';
import type { Runnable } from '../evaluation/runnable';
import type { QuantizeOptions, ValidationSample } from './options';
import { rowsOf } from './rows';

/** How far a network is from FP32 on the validation samples. */
export interface Measurement {
  /** Validation samples: rows of all batches. */
  samples: number;
  /** Percent of them with the same first choice as FP32. */
  agreement: number;
  /** Signal to quantization noise of the judged output over all samples, dB; Infinity where nothing differs. */
  sqnrDb: number;
  /** Top-1 accuracy in percent, and how many points FP32 has more; where there are labels. */
  top1?: number;
  drop?: number;
}

/** Steps of one going through the samples. */
export interface Watch {
  onSample?: (done: number, total: number | undefined) => void;
  signal?: AbortSignal | undefined;
}

/** Knows FP32's answers to the validation samples and compares a network's with them. */
export class Validator {
  readonly #accuracy = new AccuracyMeter();
  /** FP32's answers to each run, only the rows that count. */
  readonly #answers: Float32Array[][] = [];

  private constructor(
    readonly samples: QuantizeOptions['validation'],
    readonly output: string,
  ) {}

  /** Runs FP32 on all samples. Throws INVALID_DATASET where there are none or labels do not fit. */
  static async create(
    fp32: Pick<Runnable, 'run'>,
    samples: QuantizeOptions['validation'],
    output: string,
    { onSample, signal }: Watch = {},
  ): Promise<Validator> {
    const validator = new Validator(samples, output);
    for await (const sample of samples) {
      signal?.throwIfAborted();
      const answers = await answersTo(fp32, sample, output);
      validator.#answers.push(answers);
      score(validator.#accuracy, answers, sample);
      onSample?.(validator.#answers.length, undefined);
    }
    if (validator.#answers.length === 0) {
      throw new Calibr8Error(
        'INVALID_DATASET',
        'Expected validation samples but received none. Give some that calibration does not use.',
      );
    }
    return validator;
  }

  /** Whether every sample has a label. */
  get labeled(): boolean {
    return this.#accuracy.count === this.#rows;
  }

  get #rows(): number {
    return this.#answers.reduce((sum, rows) => sum + rows.length, 0);
  }

  async measure(network: Pick<Runnable, 'run'>, { onSample, signal }: Watch = {}): Promise<Measurement> {
    const accuracy = new AccuracyMeter();
    const comparison = new ComparisonMeter();
    let done = 0;
    for await (const sample of this.samples) {
      signal?.throwIfAborted();
      const reference = this.#answers[done];
      if (!reference) break;
      const answers = await answersTo(network, sample, this.output);
      reference.forEach((row, index) => comparison.add(row, answers[index]!));
      score(accuracy, answers, sample);
      onSample?.(++done, this.#answers.length);
    }
    if (done < this.#answers.length) {
      throw new Calibr8Error(
        'INVALID_DATASET',
        `Expected the same ${this.#answers.length} validation runs each time but received ${done}. Give an array, or an object that begins anew.`,
      );
    }
    return {
      samples: comparison.count,
      agreement: comparison.agreement,
      sqnrDb: comparison.sqnrDb,
      ...(this.labeled && { top1: accuracy.top1, drop: this.#accuracy.top1 - accuracy.top1 }),
    };
  }
}

async function answersTo(
  network: Pick<Runnable, 'run'>,
  { feeds, labels, rows }: ValidationSample,
  output: string,
): Promise<Float32Array[]> {
  const tensor = (await network.run(feeds as Record<string, never>))[output]!;
  return rowsOf(tensor, output, rows ?? labels?.length);
}

function score(meter: AccuracyMeter, answers: readonly Float32Array[], { labels }: ValidationSample): void {
  if (!labels) return;
  answers.forEach((row, index) => {
    const label = labels[index];
    if (label === undefined || !(Number.isInteger(label) && label >= 0 && label < row.length)) {
      throw new Calibr8Error(
        'INVALID_DATASET',
        `Expected a label from 0 to ${row.length - 1} for each validation sample but received ${label}. Check the labels and their offset.`,
      );
    }
    meter.add(row, label);
  });
}
