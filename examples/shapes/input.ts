import { IMAGE_SIZE } from './render';

/** Subtracted from a value in 0..1, for every channel. */
export const INPUT_MEAN = 0.5;

/** Divides what is left, for every channel. */
export const INPUT_DEVIATION = 0.25;

/**
 * An image as the trained networks take it: (byte / 255 - 0.5) / 0.25, one plane a channel. `target` and `at` let a
 * batch be filled image by image.
 */
export function toInput(pixels: Uint8Array, target = new Float32Array(pixels.length), at = 0): Float32Array {
  const plane = IMAGE_SIZE * IMAGE_SIZE;
  for (let i = 0; i < plane; i++) {
    for (let channel = 0; channel < 3; channel++) {
      const value = (pixels[i * 3 + channel] as number) / 255;
      target[at + channel * plane + i] = (value - INPUT_MEAN) / INPUT_DEVIATION;
    }
  }
  return target;
}
