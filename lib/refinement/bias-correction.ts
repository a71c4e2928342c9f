import type { Tensor } from '../tensor';

/** What follows a layer before its result is stored, as far as it cuts values off. */
export interface Cut {
  readonly low: number;
  /** One number, or one a channel. */
  readonly high: number | Float32Array;
}

/** Elements of a channel on which a correction is judged. */
const JUDGED = 8192;
/** Shares of the mean error that are tried. */
const SHARES = [1, 0.75, 0.5, 0.25];

/**
 * What to add to each channel of a layer's output so that its mean, after what cuts it off, comes nearest to FP32's.
 *
 * The empirical correction of Nagel et al. ("Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV
 * 2019, appendix D), with two cautions. The mean error is shrunk by how uncertain it is across samples, (1 - variance of the
 * mean / mean^2): what a few samples happened to show is no correction for others. And of that only the share is applied which
 * brings the mean after the activation nearest without raising the squared error there: before a ReLU that is mostly
 * closed, correcting for a few clipped peaks opens it everywhere.
 * @param reference FP32's values for each sample
 * @param received the INT8 network's, of the same shapes
 * @param axis along which the channels lie
 */
export function meanCorrection(
  reference: readonly Tensor[],
  received: readonly Tensor[],
  cut: Cut,
  axis = 1,
): Float64Array {
  const channels = reference[0]!.dims[axis]!;
  const errors = reference.map((tensor, index) => meanErrors(tensor, received[index]!, channels, axis));
  return Float64Array.from({ length: channels }, (_, channel) => {
    const shift = shrunkMean(errors.map((one) => one[channel]!));
    // Infinity is a mask's, as before a softmax: its channel shows no mean.
    if (shift === 0 || !Number.isFinite(shift)) return 0;
    const high = typeof cut.high === 'number' ? cut.high : cut.high[channel]!;
    return shift * bestShare(reference, received, channels, axis, channel, shift, cut.low, high);
  });
}

function meanErrors(reference: Tensor, received: Tensor, channels: number, axis: number): Float64Array {
  const [a, b] = [reference.data as Float32Array, received.data as Float32Array];
  const errors = new Float64Array(channels);
  const inner = innerSize(reference, axis);
  for (let i = 0, channel = 0; i < a.length; channel = channel + 1 === channels ? 0 : channel + 1) {
    let sum = 0;
    for (const end = i + inner; i < end; ++i) sum += a[i]! - b[i]!;
    errors[channel]! += sum;
  }
  const count = a.length / channels;
  return errors.map((sum) => sum / count);
}

const innerSize = ({ dims }: Tensor, axis: number): number => dims.slice(axis + 1).reduce((a, b) => a * b, 1);

function shrunkMean(errors: readonly number[]): number {
  const n = errors.length;
  const mean = errors.reduce((a, b) => a + b, 0) / n;
  if (n < 2 || mean === 0) return 0;
  const variance = errors.reduce((sum, e) => sum + (e - mean) ** 2, 0) / (n * (n - 1));
  return mean * Math.max(0, 1 - variance / (mean * mean));
}

function bestShare(
  reference: readonly Tensor[],
  received: readonly Tensor[],
  channels: number,
  axis: number,
  channel: number,
  shift: number,
  low: number,
  high: number,
): number {
  const bound = (x: number): number => (x < low ? low : x > high ? high : x);
  const elements = reference.reduce((sum, { size }) => sum + size / channels, 0);
  const step = Math.max(1, Math.ceil(elements / JUDGED));
  const squares = new Float64Array(SHARES.length + 1);
  const means = new Float64Array(SHARES.length + 1);
  reference.forEach((tensor, sample) => {
    const [a, b] = [tensor.data as Float32Array, received[sample]!.data as Float32Array];
    const inner = innerSize(tensor, axis);
    const own = tensor.size / channels;
    // Another place in each sample, so that no pattern of the image meets the step.
    for (let i = (sample * 7) % Math.min(step, own); i < own; i += step) {
      const within = i % inner;
      const at = (i - within) * channels + channel * inner + within;
      const wanted = bound(a[at]!);
      const value = b[at]!;
      for (let k = 0; k <= SHARES.length; ++k) {
        const error = bound(value + (k === 0 ? 0 : SHARES[k - 1]! * shift)) - wanted;
        squares[k]! += error * error;
        means[k]! += error;
      }
    }
  });
  let best = 0;
  for (let k = 1; k <= SHARES.length; ++k)
    if (squares[k]! <= squares[0]! && Math.abs(means[k]!) < Math.abs(means[best]!)) best = k;
  return best === 0 ? 0 : SHARES[best - 1]!;
}
