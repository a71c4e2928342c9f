import { Calibr8Error } from '../errors';
import type { Constant } from '../graph/constant';

/** A tensor seen as [outer, channels, inner] around its channel axis. */
export interface ChannelLayout {
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
}

/** Throws INVALID_SHAPE naming the tensor where it has no such axis. */
export function channelLayout(dims: readonly number[], axis: number, name: string): ChannelLayout {
  const channels = dims[axis];
  if (channels === undefined) {
    throw new Calibr8Error(
      'INVALID_SHAPE',
      `Expected an axis from 0 to ${dims.length - 1} for the channels of "${name}", shape [${dims.join(', ')}], but received ${axis}.`,
    );
  }
  const product = (part: readonly number[]): number => part.reduce((a, b) => a * b, 1);
  return { outer: product(dims.slice(0, axis)), channels, inner: product(dims.slice(axis + 1)) };
}

/** Throws INVALID_ARGUMENT unless the constant holds real numbers. */
export function requireReal(constant: Constant, name: string): Float32Array {
  if (constant.dtype !== 'float32' && constant.dtype !== 'float16' && constant.dtype !== 'float64') {
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected a floating-point tensor "${name}" to quantize but received ${constant.dtype}.`,
    );
  }
  return constant.toFloat32();
}

export function nonFinite(name: string, value: number, index: number): Calibr8Error {
  return new Calibr8Error(
    'NON_FINITE_VALUE',
    `Expected finite values in tensor "${name}" but element ${index} is ${value}. Repair the model or leave out this layer.`,
  );
}
