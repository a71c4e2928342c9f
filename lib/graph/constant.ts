import { Calibr8Error } from '../errors';
import { DATA_TYPES, elementCount, type DataType, type TypedArray } from './data-type';
import { multiplied, type Scaling } from './scaling';

/** An immutable tensor known before execution. The bytes may be a view into the model file and need not be aligned. */
export class Constant {
  #array: TypedArray | undefined;
  #bytes: Uint8Array | undefined;
  /** What it is computed from when its bytes are asked for; the addon computes it itself. */
  readonly scaling: Scaling | undefined;

  /** `data`: little-endian, row-major. */
  constructor(
    readonly dtype: DataType,
    readonly dims: readonly number[],
    data: Uint8Array | Scaling,
  ) {
    if ('factors' in data) {
      this.scaling = data;
      return;
    }
    const wanted = elementCount(dims) * DATA_TYPES[dtype].bytes;
    if (data.byteLength !== wanted) {
      throw new Calibr8Error(
        'INVALID_MODEL',
        `Expected ${wanted} bytes for a ${dtype} tensor of shape [${dims.join(', ')}] but received ${data.byteLength}.`,
      );
    }
    this.#bytes = data;
  }

  /** float32 numbers times a factor for each place along an axis. */
  static scaled(base: Constant, axis: number, factors: Float64Array): Constant {
    return new Constant(base.dtype, base.dims, {
      base,
      factors,
      inner: elementCount(base.dims.slice(axis + 1)),
    });
  }

  /** Little-endian, row-major. */
  get bytes(): Uint8Array {
    return (this.#bytes ??= multiplied(this.scaling!));
  }

  static from(dtype: DataType, dims: readonly number[], data: TypedArray): Constant {
    return new Constant(dtype, dims, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }

  static float32(dims: readonly number[], data: Float32Array | readonly number[]): Constant {
    return Constant.from('float32', dims, data instanceof Float32Array ? data : Float32Array.from(data));
  }

  static int64(dims: readonly number[], data: readonly (number | bigint)[]): Constant {
    return Constant.from('int64', dims, BigInt64Array.from(data, toInt64));
  }

  get count(): number {
    return elementCount(this.dims);
  }

  /** The elements in their own typed array: a view where the bytes are aligned, else one copy that is kept. */
  get array(): TypedArray {
    if (this.#array === undefined) {
      const { bytes: size, array } = DATA_TYPES[this.dtype];
      // Not slice(), which copies nothing where the bytes are a Buffer.
      const aligned = this.bytes.byteOffset % size === 0 ? this.bytes : new Uint8Array(this.bytes);
      this.#array = new array(aligned.buffer as ArrayBuffer, aligned.byteOffset, this.count);
    }
    return this.#array;
  }

  /**
   * Elements of a float32 tensor from `start` on, as many as there is room for: a view where the bytes are aligned, else copied
   * to `room`, where {@link array} would copy and keep all of them.
   */
  float32At(start: number, room: Float32Array): Float32Array {
    const length = Math.min(room.length, this.count - start);
    const { buffer, byteOffset } = this.bytes;
    const from = byteOffset + 4 * start;
    if (from % 4 === 0) return new Float32Array(buffer as ArrayBuffer, from, length);
    new Uint8Array(room.buffer, room.byteOffset).set(this.bytes.subarray(4 * start, 4 * (start + length)));
    return room.subarray(0, length);
  }

  /** The elements as doubles; int64 beyond 2^53 loses precision, as every consumer is a shape, an index or a real number. */
  toNumbers(): number[] {
    const numbers: number[] = [];
    if (this.dtype === 'float16') for (const bits of this.array) numbers.push(halfToNumber(Number(bits)));
    else for (const element of this.array) numbers.push(Number(element));
    return numbers;
  }

  /** The elements as float32; a view where that is what they are. */
  toFloat32(): Float32Array {
    return this.array instanceof Float32Array ? this.array : Float32Array.from(this.toNumbers());
  }
}

/** Saturates: exporters write the greatest int64 for "to the end", which as a double is one more than fits. */
function toInt64(value: number | bigint): bigint {
  const wide = BigInt(value);
  const greatest = 2n ** 63n - 1n;
  return wide > greatest ? greatest : wide < -greatest - 1n ? -greatest - 1n : wide;
}

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
