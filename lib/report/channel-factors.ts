import { layoutOf, type Grid } from './tensor-meter';

/** Squared correlation from which on a channel is the same signal at another size, not another signal. */
const SAME_SIGNAL = 0.9;
/**
 * A channel is rescaled where its factor differs this much from the median one: quantization alone changes sizes by a few
 * percent, and a layer that is wrong as a whole is no equalization.
 */
const RESCALED = 1.25;
/** Share of the channels with a signal that must be rescaled, for it to be equalization and no accident. */
const SHARE = 0.25;
/** Fewer values of a channel than this say nothing about its size. */
const LEAST_VALUES = 8;

/**
 * Finds out whether the INT8 network carries the channels of a tensor at other sizes than FP32, as cross-layer equalization
 * makes it, by the slope of a regression of each channel's INT8 values on FP32's. The mean is left out, since
 * quantization shifts it.
 */
export class ChannelFactors {
  /** For each channel n, sum x, sum y, sum x^2, sum x y, sum y^2. */
  #sums: Float64Array[] = [];

  constructor(readonly grid: Grid) {}

  add(reference: Float32Array, stored: Uint8Array | Int8Array, dims: readonly number[]): void {
    const { channels, inner } = layoutOf(dims);
    if (this.#sums.length !== channels)
      this.#sums = Array.from({ length: channels }, () => new Float64Array(6));
    const { scale, zeroPoint } = this.grid;
    for (
      let start = 0, channel = 0;
      start < reference.length;
      start += inner, channel = (channel + 1) % channels
    ) {
      const sums = this.#sums[channel]!;
      let [n, sx, sy, sxx, sxy, syy] = sums as unknown as [number, number, number, number, number, number];
      for (let i = start; i < start + inner; ++i) {
        const x = reference[i]!;
        const y = (stored[i]! - zeroPoint) * scale;
        n += 1;
        sx += x;
        sy += y;
        sxx += x * x;
        sxy += x * y;
        syy += y * y;
      }
      sums.set([n, sx, sy, sxx, sxy, syy]);
    }
  }

  get channels(): number {
    return this.#sums.length;
  }

  /** INT8's size over FP32's for each channel, or undefined where the sizes are the same. */
  result(): Float64Array | undefined {
    const factors = Float64Array.from(this.#sums, factorOf);
    const known = factors.filter((factor) => factor > 0).sort();
    if (factors.length < 2 || known.length === 0) return undefined;
    const median = known[known.length >> 1]!;
    const rescaled = known.filter((factor) => Math.max(factor / median, median / factor) > RESCALED);
    if (rescaled.length < SHARE * known.length) return undefined;
    return factors.map((factor) => (factor > 0 ? factor : 1));
  }
}

/** The slope, or 0 where the channel has no signal that INT8 follows. */
function factorOf(sums: Float64Array): number {
  const [n, sx, sy, sxx, sxy, syy] = sums as unknown as [number, number, number, number, number, number];
  if (n < LEAST_VALUES) return 0;
  const covariance = sxy - (sx * sy) / n;
  const varianceX = sxx - (sx * sx) / n;
  const varianceY = syy - (sy * sy) / n;
  if (covariance <= 0 || covariance ** 2 < SAME_SIGNAL * varianceX * varianceY) return 0;
  return covariance / varianceX;
}
