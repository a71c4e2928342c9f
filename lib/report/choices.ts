import { AccuracyMeter, argmax, ComparisonMeter } from '../evaluation/metrics';

/** How often FP32 chose one class and INT8 another. */
export interface ChoicePair {
  readonly fp32: number;
  readonly int8: number;
  readonly count: number;
}

/** An input on which the networks chose different classes. */
export interface Difference extends Omit<ChoicePair, 'count'> {
  readonly name: string;
  readonly label: number | undefined;
  /** How far FP32's first choice was ahead of its second: in the unit of the output, and small where the image was a close call. */
  readonly margin: number;
}

/** Both networks' answers in one output. */
export interface OutputComparison {
  readonly name: string;
  /** Elements of one answer; for a classifier its classes. */
  readonly size: number;
  /** Signal to noise over all elements, dB; Infinity where they are equal. */
  readonly sqnrDb: number;
  /** Percent of the inputs with the same greatest element; undefined where an answer is not one row of numbers. */
  readonly agreementPercent: number | undefined;
  /** Percent of the labelled inputs whose label is the first choice; only where there are labels and this is the output they are for. */
  readonly top1: { readonly fp32: number; readonly int8: number } | undefined;
  /** Every pair of choices, the most frequent first; equal choices too. */
  readonly pairs: readonly ChoicePair[];
  /** The first inputs on which the choices differ. */
  readonly differences: readonly Difference[];
  /** Of all labelled inputs on which the choices differ, how many each network had right. */
  readonly whereDifferent: {
    readonly fp32Right: number;
    readonly int8Right: number;
    readonly neither: number;
  };
}

/** Differences kept with their names, so that memory does not grow with the samples. */
const KEPT = 50;

/** Compares one output of both networks, an answer at a time. */
export class OutputMeter {
  readonly #comparison = new ComparisonMeter();
  readonly #fp32 = new AccuracyMeter();
  readonly #int8 = new AccuracyMeter();
  readonly #pairs = new Map<number, number>();
  readonly #differences: Difference[] = [];
  readonly #right = { fp32Right: 0, int8Right: 0, neither: 0 };
  #size = 0;

  constructor(
    readonly name: string,
    /** Whether an answer is one row of numbers, the greatest of which is the choice. */
    readonly chooses: boolean,
  ) {}

  add(fp32: Float32Array, int8: Float32Array, name: string, label: number | undefined): void {
    this.#size = fp32.length;
    this.#comparison.add(fp32, int8);
    if (!this.chooses) return;
    const [a, b] = [argmax(fp32), argmax(int8)];
    const key = a * this.#size + b;
    this.#pairs.set(key, (this.#pairs.get(key) ?? 0) + 1);
    if (label !== undefined) {
      this.#fp32.add(fp32, label);
      this.#int8.add(int8, label);
    }
    if (a === b) return;
    if (label !== undefined) ++this.#right[label === a ? 'fp32Right' : label === b ? 'int8Right' : 'neither'];
    if (this.#differences.length < KEPT)
      this.#differences.push({ name, label, fp32: a, int8: b, margin: margin(fp32, a) });
  }

  result(): OutputComparison {
    const pairs = [...this.#pairs].map(([key, count]) => ({
      fp32: Math.floor(key / this.#size),
      int8: key % this.#size,
      count,
    }));
    return {
      name: this.name,
      size: this.#size,
      sqnrDb: this.#comparison.sqnrDb,
      agreementPercent: this.chooses ? this.#comparison.agreement : undefined,
      top1: this.#fp32.count > 0 ? { fp32: this.#fp32.top1, int8: this.#int8.top1 } : undefined,
      pairs: pairs.sort((x, y) => y.count - x.count || x.fp32 - y.fp32 || x.int8 - y.int8),
      differences: this.#differences,
      whereDifferent: this.#right,
    };
  }
}

function margin(row: Float32Array, choice: number): number {
  let second = -Infinity;
  row.forEach((x, index) => {
    if (index !== choice && x > second) second = x;
  });
  return row[choice]! - second;
}
