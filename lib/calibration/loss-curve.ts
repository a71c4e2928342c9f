import {
  realRange,
  STORED_BITS,
  storedRange,
  symmetricGrid,
  type ActivationGrid,
  type ActivationType,
} from '../quantization/parameters';
import type { TensorStatistics } from './statistics';

/** What quantizing with one threshold costs. */
export interface Loss {
  /** Elements outside of what the grid represents. */
  readonly clipped: number;
  /** Sum of squared errors, rounding and clipping alike. */
  readonly error: number;
}

/**
 * The loss of quantizing a tensor, for any threshold, from its fine histogram.
 *
 * The model: elements are uniform inside their fine bin (the outermost bins end at min and max). Under it the error is exact:
 * the elements nearest to a level L contribute the sum of (x - L)^2 = S2 - 2 L S1 + L^2 S0, where the sums of x^2, x and 1 over
 * an interval are differences of sums from zero outward, made once. So a threshold costs a step a level, not one a bin.
 */
export class LossCurve {
  readonly #positive: Side;
  readonly #negative: Side;

  constructor({ positive, negative, range, min, max }: TensorStatistics) {
    const width = range / positive.length;
    this.#positive = new Side(positive, width, Math.max(max, 0));
    this.#negative = new Side(negative, width, Math.max(-min, 0));
  }

  at(threshold: number, dtype: ActivationType, bits = STORED_BITS): Loss {
    return this.of(symmetricGrid(threshold, dtype, bits));
  }

  of(grid: ActivationGrid): Loss {
    const { scale, zeroPoint } = grid;
    const [lowest, highest] = storedRange(grid).map((level) => level - zeroPoint) as [number, number];
    return {
      clipped: this.#positive.clipped(scale, highest) + this.#negative.clipped(scale, -lowest),
      error: this.#positive.error(scale, highest) + this.#negative.error(scale, -lowest),
    };
  }

  /** A lower bound of the error at this threshold and at every lower one: that of clipping alone. */
  clippingError(threshold: number, dtype: ActivationType, bits = STORED_BITS): number {
    const [lowest, highest] = realRange(symmetricGrid(threshold, dtype, bits));
    return this.#positive.beyond(highest) + this.#negative.beyond(-lowest);
  }
}

/** The elements on one side of zero, as their distance from zero. */
class Side {
  readonly #counts: Float64Array;
  readonly #width: number;
  /** Greatest element. */
  readonly #extreme: number;
  /** Sums of 1, x and x^2 over the bins before each. */
  readonly #sums: readonly [Float64Array, Float64Array, Float64Array];

  constructor(counts: Float64Array, width: number, extreme: number) {
    this.#counts = counts;
    this.#width = width;
    this.#extreme = extreme;
    const [s0, s1, s2] = Array.from({ length: 3 }, () => new Float64Array(counts.length + 1));
    this.#sums = [s0!, s1!, s2!];
    for (let i = 0; i < counts.length; ++i) {
      const count = counts[i]!;
      const start = i * width;
      const end = Math.min(start + width, extreme);
      s0![i + 1] = s0![i]! + count;
      s1![i + 1] = s1![i]! + (count * (start + end)) / 2;
      s2![i + 1] = s2![i]! + (count * (start * start + start * end + end * end)) / 3;
    }
  }

  clipped(scale: number, levels: number): number {
    // A relative 2^-20 more: the scale is rounded to float32, which must not make the value it was chosen from look clipped.
    const limit = levels * scale * (1 + 2 ** -20);
    return this.#sums[0].at(-1)! - this.#below(limit)[0];
  }

  error(scale: number, levels: number): number {
    let error = 0;
    let from: Sums = [0, 0, 0];
    for (let k = 0; k <= levels; ++k) {
      const border = k === levels ? Infinity : (k + 0.5) * scale;
      const to = this.#below(border);
      const level = k * scale;
      // Not below 0, which differences of nearly equal sums may be.
      error += Math.max(
        0,
        to[2] - from[2] - 2 * level * (to[1] - from[1]) + level * level * (to[0] - from[0]),
      );
      if (border >= this.#extreme) break;
      from = to;
    }
    return error;
  }

  /** The sum of (x - limit)^2 over the elements beyond it. */
  beyond(limit: number): number {
    const [all, below] = [this.#below(Infinity), this.#below(limit)];
    const [count, sum, squares] = [all[0] - below[0], all[1] - below[1], all[2] - below[2]];
    return Math.max(0, squares - 2 * limit * sum + limit * limit * count);
  }

  /** Sums of 1, x and x^2 over the elements up to x. */
  #below(x: number): Sums {
    const [s0, s1, s2] = this.#sums;
    const last = s0.length - 1;
    if (x >= this.#extreme) return [s0[last]!, s1[last]!, s2[last]!];
    const bin = Math.floor(x / this.#width);
    const start = bin * this.#width;
    const end = Math.min(start + this.#width, this.#extreme);
    const part = this.#counts[bin]! * Math.min(1, Math.max(0, (x - start) / (end - start)));
    return [
      s0[bin]! + part,
      s1[bin]! + (part * (start + x)) / 2,
      s2[bin]! + (part * (start * start + start * x + x * x)) / 3,
    ];
  }
}

type Sums = readonly [count: number, sum: number, squares: number];
