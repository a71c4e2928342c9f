import type { ActivationType } from '../../quantization/parameters';
import { levelsOf } from '../../quantization/parameters';
import type { TensorStatistics } from '../statistics';

/** The values that quantization keeps: |x| <= threshold. Greater ones are clipped. */
export interface ClippingRange {
  /** Above 0 and finite, in the tensor's own unit. */
  readonly threshold: number;
  /** The observer that an observer of observers took it from. */
  readonly chosen?: string;
}

/** A calibration algorithm: chooses a tensor's clipping range from its statistics. Adding one: a file here and a line in registry.ts. */
export interface Observer {
  /** The value of `algo` that selects it, with its parameter where that is not the default: `percentile:99.9`. */
  readonly name: string;
  /** One line for help texts and reports. */
  readonly description: string;
  /** What it reads of the statistics: `extremes` needs no histogram to be kept. */
  readonly collects: 'extremes' | 'histogram';
  /**
   * The clipping range. Defined for any statistics of finite values (see requireFinite), also all zeros, one repeated value and no elements at all.
   * @param dtype What the tensor is quantized to; without it, `uint8` where no value is negative, else `int8`.
   * @param bits Bits that its levels use; default all 8.
   */
  range(statistics: TensorStatistics, dtype?: ActivationType, bits?: number): ClippingRange;
  /** The observer for what stands behind `name:`; absent where it has no parameter. Throws INVALID_ARGUMENT. */
  withParameter?(text: string): Observer;
}

/** The type of a tensor that was told none. */
export function typeOf(statistics: TensorStatistics): ActivationType {
  return statistics.min >= 0 ? 'uint8' : 'int8';
}

/**
 * The range of a tensor that never was anything but zero: scale 1, as onnxruntime chooses. Any scale represents zero exactly,
 * and 1 stays far from every overflow in the products of scales.
 */
export function rangeOfZeros(
  statistics: TensorStatistics,
  dtype?: ActivationType,
  bits?: number,
): ClippingRange {
  return { threshold: levelsOf(dtype ?? typeOf(statistics), bits) };
}
