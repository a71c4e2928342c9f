import { Calibr8Error } from '../errors';
import { QUANTIZED_RANGE, realRange, storedRange, type ActivationGrid } from '../quantization/parameters';

/** How a quantized tensor stores real numbers. */
export type Grid = ActivationGrid;

/** Number of values that 8 bits can tell apart. */
const LEVEL_COUNT = 256;

/** A tensor as [outer, channels, inner]; channels lie along axis 1. */
interface Layout {
  readonly channels: number;
  readonly inner: number;
}

/** Channels along axis 1, as ONNX has them; a tensor without it is one channel. */
export function layoutOf(dims: readonly number[]): Layout {
  if (dims.length < 2) return { channels: 1, inner: dims[0] ?? 1 };
  return { channels: dims[1]!, inner: dims.slice(2).reduce((a, b) => a * b, 1) };
}

/** Signal over noise in dB; Infinity where there is no noise. */
export function decibels(signal: number, noise: number): number {
  return noise === 0 ? Infinity : 10 * Math.log10(signal / noise);
}

/** Fewer values of a channel than this tell no systematic error from a random one. */
const LEAST_VALUES = 32;

/**
 * Compares FP32's values of one tensor with the INT8 network's, over all samples. Memory is fixed: a few sums, two a channel,
 * and a count for each of the 256 levels.
 */
export class TensorMeter {
  readonly #table = new Float64Array(LEVEL_COUNT);
  readonly #offset: number;
  readonly #low: number;
  readonly #high: number;
  readonly #levels = new Float64Array(LEVEL_COUNT);
  #errors = new Float64Array(0);
  #greatest = new Float64Array(0);
  #count = 0;
  #clipped = 0;
  #signal = 0;
  #noise = 0;
  #ownNoise = 0;

  /**
   * @param factors where the INT8 network carries each channel at another size than FP32 (cross-layer equalization): INT8's
   * values over FP32's, one number a channel
   */
  constructor(
    readonly name: string,
    readonly grid: Grid,
    readonly factors?: Float64Array,
  ) {
    const [least] = QUANTIZED_RANGE[grid.dtype];
    this.#offset = -least;
    for (let i = 0; i < LEVEL_COUNT; ++i) this.#table[i] = (i + least - grid.zeroPoint) * grid.scale;
    const [low, high] = realRange(grid);
    // The scale is rounded to float32, which must not make the value it was chosen from look clipped.
    this.#low = low * (1 + 2 ** -20);
    this.#high = high * (1 + 2 ** -20);
  }

  /**
   * @param reference FP32's values
   * @param stored the INT8 network's, as stored
   * @param own what the piece before the tensor makes of FP32's values, as stored; for an input of the network the same as `stored`
   * @param dims of all three; the arrays may go on beyond what `reference` holds
   */
  add(reference: Float32Array, stored: Stored, own: Stored, dims: readonly number[]): void {
    const size = reference.length;
    if (stored.length < size || own.length < size)
      throw new Calibr8Error(
        'INVALID_ARGUMENT',
        `Expected "${this.name}" to have ${size} elements in both networks but the INT8 one has ${stored.length}. Is it made from this FP32 network?`,
      );
    const { channels, inner } = layoutOf(dims);
    if (this.#errors.length !== channels) {
      this.#errors = new Float64Array(channels);
      this.#greatest = new Float64Array(channels);
    }
    this.#count += size;
    for (let start = 0, channel = 0; start < size; start += inner, channel = (channel + 1) % channels)
      this.#scan(reference, stored, own, start, start + inner, channel);
  }

  #scan(
    reference: Float32Array,
    stored: Stored,
    own: Stored,
    start: number,
    end: number,
    channel: number,
  ): void {
    const table = this.#table;
    const levels = this.#levels;
    const offset = this.#offset;
    const low = this.#low;
    const high = this.#high;
    const factor = this.factors?.[channel] ?? 1;
    let greatest = this.#greatest[channel]!;
    let signal = 0;
    let errors = 0;
    let noise = 0;
    let ownNoise = 0;
    let clipped = 0;
    for (let i = start; i < end; ++i) {
      const x = reference[i]! * factor;
      const level = stored[i]! + offset;
      const error = table[level]! - x;
      const ownError = table[own[i]! + offset]! - x;
      signal += x * x;
      errors += error;
      noise += error * error;
      ownNoise += ownError * ownError;
      if (x > high || x < low) ++clipped;
      const size = x < 0 ? -x : x;
      if (size > greatest) greatest = size;
      levels[level]! += 1;
    }
    // Back in FP32's unit, so that channels weigh as they do there.
    const unit = factor * factor;
    this.#signal += signal / unit;
    this.#noise += noise / unit;
    this.#ownNoise += ownNoise / unit;
    this.#clipped += clipped;
    this.#errors[channel]! += errors / factor;
    this.#greatest[channel] = greatest;
  }

  get count(): number {
    return this.#count;
  }

  /** Signal to noise of the INT8 network's values, with what they inherit from the layers before. */
  get sqnrDb(): number {
    return decibels(this.#signal, this.#noise);
  }

  /** Signal to the noise that the piece before the tensor adds on its own. */
  get ownSqnrDb(): number {
    return decibels(this.#signal, this.#ownNoise);
  }

  /** Share of FP32's values outside of what the grid represents, percent. */
  get clippedPercent(): number {
    return this.#count === 0 ? 0 : (100 * this.#clipped) / this.#count;
  }

  /** Share of the grid's levels, 256 with all 8 bits, that occurred at all, percent. */
  get levelsUsedPercent(): number {
    const [least, greatest] = storedRange(this.grid);
    const used = this.#levels.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
    return (100 * used) / (greatest - least + 1);
  }

  /**
   * Share of the noise's power that is a constant shift of each channel, which correcting biases can remove, percent; undefined
   * where there are too few values to tell.
   */
  get systematicPercent(): number | undefined {
    const each = this.#count / this.#errors.length;
    if (!(each >= LEAST_VALUES) || this.#noise === 0) return undefined;
    return (100 * this.#errors.reduce((sum, errors) => sum + (errors * errors) / each, 0)) / this.#noise;
  }

  /** Greatest over median of the channels' greatest |x|, as INT8 has them: many of one scale's levels go unused in most channels where it is large. */
  get channelSpread(): number {
    const live = this.#greatest.filter((most) => most > 0).sort();
    return live.length === 0 ? 1 : live.at(-1)! / live[live.length >> 1]!;
  }
}

type Stored = Uint8Array | Int8Array;
