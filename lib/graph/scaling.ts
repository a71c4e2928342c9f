import { allocate } from '../memory';
import type { Constant } from './constant';

/** Numbers times a factor for each channel: what weights become that take in a batch normalization. */
export interface Scaling {
  /** float32. */
  readonly base: Constant;
  /** One for each channel. */
  readonly factors: Float64Array;
  /** Neighboring numbers of one channel. */
  readonly inner: number;
}

/** Elements that are scaled at a time; with the room for them all would be copied where they are not aligned. */
const CHUNK = 16384;

/** The products, in doubles, rounded once. */
export function multiplied({ base, factors, inner }: Scaling): Uint8Array {
  const bytes = allocate(base.bytes.byteLength);
  const result = new Float32Array(bytes.buffer);
  const room = new Float32Array(CHUNK);
  let channel = 0;
  let left = inner;
  for (let start = 0; start < result.length; start += CHUNK) {
    const part = base.float32At(start, room);
    for (let i = 0; i < part.length;) {
      const end = Math.min(part.length, i + left);
      const factor = factors[channel]!;
      left -= end - i;
      for (; i < end; ++i) result[start + i] = part[i]! * factor;
      if (left > 0) break;
      left = inner;
      channel = channel + 1 === factors.length ? 0 : channel + 1;
    }
  }
  return bytes;
}
