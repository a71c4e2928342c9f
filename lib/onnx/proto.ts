import { Calibr8Error } from '../errors';

/** An INVALID_MODEL error; the caller of `readModel` sees it with the file's name in front. */
export function invalid(message: string): Calibr8Error {
  return new Calibr8Error('INVALID_MODEL', message);
}

/** An UNSUPPORTED_OPERATOR error; the caller of `readModel` sees it with the file's name in front. */
export function unsupported(message: string): Calibr8Error {
  return new Calibr8Error('UNSUPPORTED_OPERATOR', message);
}

/** What protobufjs makes of an int64 when the `long` package is installed, which depends on the user's node_modules. */
interface LongLike {
  readonly low: number;
  readonly high: number;
}

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** The low and high 32 bits of a decoded 64-bit integer, as signed numbers. */
export function words(value: unknown): LongLike {
  if (typeof value === 'object' && value !== null && 'low' in value) return value as LongLike;
  if (Number.isSafeInteger(value)) {
    const number = value as number;
    return { low: number | 0, high: Math.floor(number / 2 ** 32) };
  }
  const bits = BigInt.asIntN(64, BigInt(value as number));
  return { low: Number(BigInt.asIntN(32, bits)), high: Number(bits >> 32n) };
}

/** A decoded signed 64-bit integer as a number; beyond 2^53 the nearest double. */
export function toNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  const { low, high } = words(value);
  return high * 2 ** 32 + (low >>> 0);
}

/**
 * A number as protobufjs encodes it in an int64 field. protobufjs wraps doubles of 2^63 and above to negative
 * numbers, and ONNX uses INT64_MAX as "to the end", so those are clamped here.
 */
export function toInt64(value: number): number {
  if (Number.isSafeInteger(value)) return value;
  const rounded = BigInt(Math.trunc(value));
  const clamped = rounded > INT64_MAX ? INT64_MAX : rounded < INT64_MIN ? INT64_MIN : rounded;
  // The declaration of onnx-proto names the class Long; protobufjs itself only looks at low and high.
  return words(clamped) as unknown as number;
}

/** True where the message on the wire held the field; protobufjs keeps defaults on the prototype. */
export function present(message: object, field: string): boolean {
  return Object.hasOwn(message, field);
}
