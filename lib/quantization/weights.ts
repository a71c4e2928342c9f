import { Constant } from '../graph/constant';
import { channelLayout, nonFinite, requireReal } from './channels';
import { levelsOf, STORED_BITS, toScale } from './parameters';
import { roundHalfEven } from './round';

/** Greatest magnitude of a quantized weight: 127 with all 8 bits. -128 is left out, which keeps weights symmetric. */
export function weightLevels(bits = STORED_BITS): number {
  return levelsOf('int8', bits);
}

/**
 * The greatest |weight| of each channel of `axis`.
 * @returns shape [dims[axis]].
 * @throws NON_FINITE_VALUE naming the tensor where a weight is NaN or infinite.
 */
export function channelAbsMax(weights: Constant, axis: number, name: string): Float32Array {
  const { outer, channels, inner } = channelLayout(weights.dims, axis, name);
  const values = requireReal(weights, name);
  const greatest = new Float32Array(channels);
  let index = 0;
  for (let o = 0; o < outer; ++o) {
    for (let c = 0; c < channels; ++c) {
      let most = greatest[c]!;
      for (const end = index + inner; index < end; ++index) {
        const magnitude = Math.abs(values[index]!);
        if (magnitude > most) most = magnitude;
        // Catches NaN, which is neither greater nor finite.
        if (!(magnitude < Infinity)) throw nonFinite(name, values[index]!, index);
      }
      greatest[c] = most;
    }
  }
  return greatest;
}

/**
 * Symmetric int8 scales: absmax / 127, or by the levels of fewer bits, as float32. An all-zero channel gets 1, which represents it exactly and never divides by zero.
 * @param absMax as {@link channelAbsMax} gives it.
 */
export function weightScales(absMax: Float32Array, bits = STORED_BITS): Float32Array {
  const levels = weightLevels(bits);
  return absMax.map((most) => (most === 0 ? 1 : toScale(most / levels)));
}

/** Scales that are tried, as shares of the one that clips nothing, go down in such steps. */
const SHARE_STEP = 1 / 128;
const LEAST_SHARE = 1 / 4;

/**
 * Scales with the least squared error of each channel's rounded and clipped weights, among {@link weightScales} and smaller ones. The
 * search goes down from absmax until clipping alone costs more than the best so far.
 *
 * Source: the scale search of OMSE (Choukroun et al., "Low-bit Quantization of Neural Networks for Efficient Inference", 2019,
 * section 3), on a grid.
 * @param absMax as {@link channelAbsMax} gives it
 */
export function leastErrorScales(
  weights: Constant,
  axis: number,
  absMax: Float32Array,
  name: string,
  bits = STORED_BITS,
): Float32Array {
  const { outer, channels, inner } = channelLayout(weights.dims, axis, name);
  const values = requireReal(weights, name);
  const levels = weightLevels(bits);
  const channel = new Float32Array(outer * inner);
  return weightScales(absMax, bits).map((greatest, c) => {
    for (let o = 0; o < outer; ++o) {
      const start = (o * channels + c) * inner;
      channel.set(values.subarray(start, start + inner), o * inner);
    }
    let best = { scale: greatest, error: Infinity };
    for (let share = 1; share > LEAST_SHARE; share -= SHARE_STEP) {
      const scale = toScale(greatest * share);
      const { error, clipping } = roundingError(channel, scale, levels);
      if (error < best.error) best = { scale, error };
      if (clipping > best.error) break;
    }
    return best.scale;
  });
}

/** The squared error of rounding to steps of `scale`, and how much of it lies beyond the greatest level. */
function roundingError(
  values: Float32Array,
  scale: number,
  levels: number,
): { error: number; clipping: number } {
  let [error, clipping] = [0, 0];
  for (let i = 0; i < values.length; ++i) {
    const steps = Math.abs(values[i]!) / scale;
    const beyond = steps - levels;
    const off = beyond > 0 ? beyond : steps - roundHalfEven(steps);
    error += off * off;
    if (beyond > 0) clipping += off * off;
  }
  return { error: error * scale * scale, clipping: clipping * scale * scale };
}

/**
 * Quantizes weights with one scale a channel of `axis`: float32 division, round half to even (ONNX's QuantizeLinear),
 * clamped to {@link weightLevels}. Finite weights only: {@link channelAbsMax} checks.
 * @param scales shape [dims[axis]].
 */
export function quantizeWeights(
  weights: Constant,
  axis: number,
  scales: Float32Array,
  name: string,
  bits = STORED_BITS,
): Constant {
  const { outer, channels, inner } = channelLayout(weights.dims, axis, name);
  const values = requireReal(weights, name);
  const levels = weightLevels(bits);
  const quantized = new Int8Array(values.length);
  let index = 0;
  for (let o = 0; o < outer; ++o) {
    for (let c = 0; c < channels; ++c) {
      const scale = scales[c]!;
      for (const end = index + inner; index < end; ++index) {
        const level = roundHalfEven(Math.fround(values[index]! / scale));
        quantized[index] = level > levels ? levels : level < -levels ? -levels : level;
      }
    }
  }
  return Constant.from('int8', weights.dims, quantized);
}
