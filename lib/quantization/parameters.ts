import { expected } from '../errors';
import { roundHalfEven } from './round';

/** What an activation is quantized to: `uint8` where it cannot be negative or has a zero point, else `int8`. */
export type ActivationType = 'uint8' | 'int8';

/** Bits of every stored weight and activation. Levels may use fewer, see {@link levelsOf}. */
export const STORED_BITS = 8;

/** Levels of so many bits between 0 and the threshold: threshold = levels x scale. 255 or 127 of all 8. */
export function levelsOf(dtype: ActivationType, bits = STORED_BITS): number {
  return 2 ** (dtype === 'uint8' ? bits : bits - 1) - 1;
}

/** Least and greatest stored value. Activations reach -128, since QuantizeLinear saturates there, though the scale is made for 127. */
export const QUANTIZED_RANGE: Readonly<Record<ActivationType, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
};

/**
 * The least scale in use, 2^-63 (about 1e-19). The product of two scales, which is a bias's scale, is then still a normal
 * float32; denormals are flushed to zero by every stream's thread, and a scale of 0 divides by zero.
 */
export const LEAST_SCALE = 2 ** -63;

/** A scale as float32, not below {@link LEAST_SCALE}. Computed in double and rounded once, so every host has the same bits. */
export function toScale(scale: number): number {
  return Math.max(Math.fround(scale), LEAST_SCALE);
}

/**
 * threshold / 255 for `uint8`, threshold / 127 for `int8`, with fewer bits by their fewer levels, as float32. Throws
 * INVALID_ARGUMENT unless the threshold is above 0 and fits a float32.
 */
export function activationScale(threshold: number, dtype: ActivationType, bits = STORED_BITS): number {
  const scale = toScale(threshold / levelsOf(dtype, bits));
  if (!(threshold > 0 && Number.isFinite(scale))) {
    throw expected('a positive number that fits a float32', 'the threshold', threshold);
  }
  return scale;
}

/** How an activation is stored: real = (stored - zeroPoint) x scale. */
export interface ActivationGrid {
  readonly dtype: ActivationType;
  /** Real value of one step. */
  readonly scale: number;
  readonly zeroPoint: number;
  /** Bits that the levels use. */
  readonly bits: number;
}

/**
 * Least and greatest stored value of a grid: those of its type, or, with fewer bits, as many levels on both sides of zero as a
 * symmetric range has.
 */
export function storedRange({
  dtype,
  bits,
}: Pick<ActivationGrid, 'dtype' | 'bits'>): readonly [number, number] {
  if (bits === STORED_BITS) return QUANTIZED_RANGE[dtype];
  const levels = levelsOf(dtype, bits);
  return [dtype === 'uint8' ? 0 : -levels, levels];
}

/** Least and greatest real value that a grid represents. */
export function realRange(grid: ActivationGrid): readonly [number, number] {
  const [low, high] = storedRange(grid);
  return [(low - grid.zeroPoint) * grid.scale, (high - grid.zeroPoint) * grid.scale];
}

/** A grid's type for people: `int8`, or `int8 (5 bits)`. */
export function typeText({ dtype, bits }: Pick<ActivationGrid, 'dtype' | 'bits'>): string {
  return bits === STORED_BITS ? dtype : `${dtype} (${bits} bits)`;
}

/** Zero point 0, for an activation whose |x| is clipped at `threshold`. */
export function symmetricGrid(threshold: number, dtype: ActivationType, bits = STORED_BITS): ActivationGrid {
  return { dtype, scale: activationScale(threshold, dtype, bits), zeroPoint: 0, bits };
}

/** All levels of `uint8` between `low` and `high`, which lie around 0 and differ. Zero is a level, so that padding is exact. */
export function asymmetricGrid(low: number, high: number, bits = STORED_BITS): ActivationGrid {
  const scale = activationScale(high - low, 'uint8', bits);
  const zeroPoint = Math.min(roundHalfEven(-low / scale), levelsOf('uint8', bits));
  return { dtype: 'uint8', scale, zeroPoint, bits };
}
