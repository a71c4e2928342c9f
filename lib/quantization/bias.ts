import { Calibr8Error } from '../errors';
import { Constant } from '../graph/constant';
import { nonFinite, requireReal } from './channels';
import { toScale } from './parameters';
import { roundHalfEven } from './round';

/**
 * Greatest |bias| in steps of its scale. Half of int32: the other half is for the sum of products that a kernel accumulates on
 * top, 33,000 products of the greatest values.
 */
const BIAS_LIMIT = 2 ** 30;

/**
 * The scale of an int32 bias: inputScale x weightScale[c], a float32 product as QDQ files and runtimes form it.
 * @throws NON_FINITE_VALUE where the product overflows float32.
 */
export function biasScales(inputScale: number, weightScales: Float32Array, name: string): Float32Array {
  const scales = weightScales.map((scale) => inputScale * scale);
  const overflow = scales.findIndex((scale) => !Number.isFinite(scale));
  if (overflow >= 0) {
    throw new Calibr8Error(
      'NON_FINITE_VALUE',
      `Expected input scale x weight scale to fit a float32 for "${name}" but channel ${overflow} has ` +
        `${inputScale} x ${weightScales[overflow]}. Leave out this layer or rescale its weights.`,
    );
  }
  return scales;
}

/**
 * Weight scales under which the bias fits int32, to apply before quantizing weights. A channel whose weights are tiny beside its bias
 * gets the least scale that keeps |bias| within 2^30 steps: its weights lose precision that the bias dwarfs. A channel
 * without any weight has no use for its own scale, so the bias decides alone and is represented to about 2^-30 of itself.
 * @param scales shape [channels], as weightScales gives them; not changed.
 * @param absMax shape [channels]: the greatest |weight|.
 */
export function fitScalesToBias(
  scales: Float32Array,
  absMax: Float32Array,
  bias: Float32Array,
  inputScale: number,
): Float32Array {
  return scales.map((scale, channel) => {
    const magnitude = Math.abs(bias[channel]!);
    if (magnitude === 0) return scale;
    const least = toScale(magnitude / BIAS_LIMIT / inputScale);
    return absMax[channel] === 0 ? least : Math.max(scale, least);
  });
}

/** A bias as float32. Throws where it is not one real, finite number a channel. */
export function checkBias(bias: Constant, channels: number, name: string): Float32Array {
  const values = requireReal(bias, name);
  if (values.length !== channels) {
    throw new Calibr8Error(
      'INVALID_SHAPE',
      `Expected a bias "${name}" with ${channels} elements, one a channel, but received shape [${bias.dims.join(', ')}].`,
    );
  }
  const broken = values.findIndex((value) => !Number.isFinite(value));
  if (broken >= 0) throw nonFinite(name, values[broken]!, broken);
  return values;
}

/** round(bias / scale), half to even, as int32 of the same shape. */
export function quantizeBias(bias: Constant, values: Float32Array, scales: Float32Array): Constant {
  const quantized = Int32Array.from(values, (value, channel) => {
    const steps = roundHalfEven(value / scales[channel]!);
    return Math.min(Math.max(steps, -(2 ** 31)), 2 ** 31 - 1);
  });
  return Constant.from('int32', bias.dims, quantized);
}
