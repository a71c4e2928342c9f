import type { Constant } from '../graph/constant';
import { expected } from '../errors';
import { biasScales, checkBias, fitScalesToBias, quantizeBias } from './bias';
import { LEAST_SCALE } from './parameters';
import type { Scheme } from './scheme';
import { channelAbsMax, leastErrorScales, quantizeWeights, weightScales } from './weights';

/** A convolution, matrix product or fully connected layer to quantize. */
export interface LinearLayer {
  /** Floating-point weights of any shape. */
  readonly weights: Constant;
  /** How errors call the weights. */
  readonly weightsName: string;
  /** The output channels' axis: 0 for Conv, 1 for ConvTranspose and for MatMul's [K, N]. */
  readonly axis: number;
  /** Floating point, one element an output channel. */
  readonly bias?: Constant | undefined;
  /** How errors call the bias; the weights' name and "bias" where it is not given. */
  readonly biasName?: string | undefined;
  /** Scale of the quantized input, real per step. */
  readonly inputScale: number;
  /** How the weights' scales are chosen; default `max`. */
  readonly scales?: Scheme['weightScales'];
  /** Bits that the weights' levels use; default all 8. */
  readonly bits?: number | undefined;
}

export interface QuantizedLinearLayer {
  /** int8, same shape as the given weights, within [-127, 127], or less with fewer bits. */
  readonly weights: Constant;
  /** Shape [channels], real per step. */
  readonly weightScale: Float32Array;
  /** int32, same shape as the given bias. */
  readonly bias: Constant | undefined;
  /** Shape [channels]: inputScale x weightScale[c], rounded to float32. */
  readonly biasScale: Float32Array;
}

/**
 * Quantizes a layer's weights to int8, symmetric per output channel, and its bias to int32 with scale inputScale x weightScale[c].
 * Scales give way where the bias would not fit: see {@link fitScalesToBias}.
 */
export function quantizeLinearLayer(layer: LinearLayer): QuantizedLinearLayer {
  const { weights, weightsName, axis, bias, inputScale, bits } = layer;
  const biasName = layer.biasName ?? `${weightsName} bias`;
  if (!(inputScale >= LEAST_SCALE && Number.isFinite(inputScale))) {
    throw expected('a finite scale of at least 2^-63', `the input of "${weightsName}"`, inputScale);
  }
  const absMax = channelAbsMax(weights, axis, weightsName);
  let weightScale =
    layer.scales === 'mse'
      ? leastErrorScales(weights, axis, absMax, weightsName, bits)
      : weightScales(absMax, bits);
  let values: Float32Array | undefined;
  if (bias !== undefined) {
    values = checkBias(bias, weightScale.length, biasName);
    weightScale = fitScalesToBias(weightScale, absMax, values, inputScale);
  }
  const biasScale = biasScales(inputScale, weightScale, weightsName);
  return {
    weights: quantizeWeights(weights, axis, weightScale, weightsName, bits),
    weightScale,
    bias: bias && values && quantizeBias(bias, values, biasScale),
    biasScale,
  };
}
