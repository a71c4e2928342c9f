/** The least positive double; every finite double is a whole number of these. */
const UNIT = Number.MIN_VALUE;
/** Bits that are kept while rounding: more than a double's 53, the last one set where anything was cut off. */
const KEPT_BITS = 64;

/**
 * A sum of doubles without rounding error. Floating-point sums depend on the order of their terms in the last bits; this one
 * does not, so that shards of a calibration merge to exactly what one run would have collected. Immutable.
 */
export class ExactSum {
  static readonly ZERO = new ExactSum(0n);

  /** @param units the sum as a number of {@link UNIT}s */
  private constructor(readonly units: bigint) {}

  /** The sum of finite doubles. */
  static of(...terms: readonly number[]): ExactSum {
    return new ExactSum(terms.reduce((units, term) => units + toUnits(term), 0n));
  }

  plus(other: ExactSum): ExactSum {
    return new ExactSum(this.units + other.units);
  }

  /** The double nearest to the sum. */
  get value(): number {
    return toNumber(this.units);
  }

  /** The sum as few doubles: the nearest one, the one nearest to what is missing, and so on. Equal sums give equal lists. */
  get parts(): number[] {
    const parts: number[] = [];
    for (let rest = this.units; rest !== 0n; rest -= toUnits(parts.at(-1)!)) parts.push(toNumber(rest));
    return parts;
  }
}

function toUnits(x: number): bigint {
  const bits = new BigUint64Array(Float64Array.of(Math.abs(x)).buffer)[0]!;
  const exponent = bits >> 52n;
  const fraction = bits & ((1n << 52n) - 1n);
  const units = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n);
  return x < 0 ? -units : units;
}

function toNumber(units: bigint): number {
  const magnitude = units < 0n ? -units : units;
  const excess = magnitude.toString(16).length * 4 - KEPT_BITS;
  const sign = units < 0n ? -1 : 1;
  if (excess <= 0) return sign * Number(magnitude) * UNIT;
  const shift = BigInt(excess);
  const kept = magnitude >> shift;
  const inexact = kept << shift !== magnitude;
  // Number() rounds to nearest; the sticky bit keeps it from taking what was cut off for a tie.
  return sign * Number(inexact ? kept | 1n : kept) * 2 ** (excess - 1074);
}
