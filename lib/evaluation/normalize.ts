import { sidesOf } from './resample';
import { channelCount, type Preprocessing } from './preprocessing';

/** Turns 8-bit RGB pixels into a network's float32 input. */
export class Normalizer {
  /** Values an image. */
  readonly size: number;
  readonly #preprocessing: Preprocessing;
  /** For each channel that is fed, the value of each of the 256 levels: 768 divisions instead of 150528 an image. */
  readonly #tables: readonly Float32Array[];

  constructor(preprocessing: Preprocessing) {
    const { crop, scale, mean, std } = preprocessing;
    const channels = channelCount(preprocessing);
    this.#preprocessing = preprocessing;
    const [height, width] = sidesOf(crop);
    this.size = channels * height * width;
    this.#tables = Array.from({ length: channels }, (_, channel) =>
      Float32Array.from({ length: 256 }, (_, level) => (level * scale - mean[channel]!) / std[channel]!),
    );
  }

  /** Dimensions of a batch of `count` images. */
  dims(count: number): number[] {
    const { crop, layout } = this.#preprocessing;
    const channels = this.#tables.length;
    const [height, width] = sidesOf(crop);
    return layout === 'NCHW' ? [count, channels, height, width] : [count, height, width, channels];
  }

  /** Writes the image `pixels` (RGB of the size of the crop, interleaved) to `target` from `offset` on. */
  write(pixels: Uint8Array, target: Float32Array, offset: number): void {
    const { channels, layout } = this.#preprocessing;
    const count = this.#tables.length;
    const area = pixels.length / 3;
    const channelStride = layout === 'NCHW' ? area : 1;
    const pixelStride = layout === 'NCHW' ? 1 : count;
    for (let channel = 0; channel < count; ++channel) {
      const table = this.#tables[channel]!;
      const source = channels === 'BGR' ? 2 - channel : channel;
      let at = offset + channel * channelStride;
      for (let i = 0; i < area; ++i, at += pixelStride) {
        const level = channels === 'gray' ? luma(pixels, 3 * i) : pixels[3 * i + source]!;
        target[at] = table[level]!;
      }
    }
  }
}

/** Brightness by ITU-R BT.601 in 16 fraction bits, as Pillow's convert('L'). */
function luma(pixels: Uint8Array, at: number): number {
  return (pixels[at]! * 19595 + pixels[at + 1]! * 38470 + pixels[at + 2]! * 7471 + 0x8000) >> 16;
}
