import type sharpModule from 'sharp';
import { Calibr8Error } from '../errors';
import type { Preprocessing } from './preprocessing';
import { cropCenter, resizeAndCrop, resizedShorterSide, sidesOf, type Pixels } from './resample';

type Sharp = typeof sharpModule;

let loading: Promise<Sharp> | undefined;

/**
 * Loads sharp when the first image is needed: it is native code, and commands without images must work where it does not load.
 * @throws INVALID_DATASET with the remedy.
 */
export function loadSharp(): Promise<Sharp> {
  loading ??= import('sharp').then(
    ({ default: sharp }) => {
      // Images are decoded several at a time already; threads within each would only compete with the network's.
      sharp.concurrency(1);
      sharp.cache(false);
      return sharp;
    },
    (cause: unknown) => {
      loading = undefined;
      throw new Calibr8Error(
        'INVALID_DATASET',
        `The image decoder "sharp" could not be loaded: ${firstLine(cause)} Run "npm install --include=optional sharp" in this package's folder.`,
        { cause },
      );
    },
  );
  return loading;
}

/**
 * Decodes a file to 8-bit RGB. As in Pillow's `open(file).convert('RGB')`, color profiles and the EXIF orientation are
 * ignored, gray is spread to three channels and alpha dropped.
 * @throws INVALID_DATASET that names the file.
 */
export async function decodeImage(file: string): Promise<Pixels> {
  const sharp = await loadSharp();
  try {
    const { data, info } = await sharp(file, { ignoreIcc: true, failOn: 'truncated' })
      .toColourspace('srgb')
      .removeAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    return channels === 3
      ? { data, width, height, channels }
      : { data: grayToRgb(data, channels), width, height, channels: 3 };
  } catch (cause) {
    throw new Calibr8Error(
      'INVALID_DATASET',
      `Expected an image in "${file}" but it could not be decoded: ${firstLine(cause)} Remove or replace the file.`,
      { cause },
    );
  }
}

/**
 * Decodes, resizes and crops a file: RGB pixels of the size of the crop, interleaved.
 * @throws INVALID_DATASET that names the file, also where the image is smaller than the crop.
 */
export async function loadPixels(file: string, { resize, crop }: Preprocessing): Promise<Uint8Array> {
  const image = await decodeImage(file);
  const { width, height } = image;
  const [cropHeight, cropWidth] = sidesOf(crop);
  const [newWidth, newHeight] = resizedTo(width, height, resize);
  if (newHeight < cropHeight || newWidth < cropWidth) {
    const wanted = typeof crop === 'number' ? `${crop}` : `${cropHeight}x${cropWidth}`;
    throw new Calibr8Error(
      'INVALID_DATASET',
      `Expected an image of at least ${cropHeight}x${cropWidth} pixels in "${file}" but it has ${newWidth}x${newHeight}. Resize it with --resize ${wanted} or more, or use a smaller --crop.`,
    );
  }
  if (newWidth !== width || newHeight !== height) return resizeAndCrop(image, newWidth, newHeight, crop);
  return cropCenter(image, crop);
}

function resizedTo(width: number, height: number, resize: Preprocessing['resize']): [number, number] {
  if (resize === null) return [width, height];
  if (typeof resize === 'number') return resizedShorterSide(width, height, resize);
  return [resize[1], resize[0]];
}

function grayToRgb(data: Uint8Array, channels: number): Uint8Array {
  const count = data.length / channels;
  const rgb = new Uint8Array(count * 3);
  for (let i = 0; i < count; ++i) rgb.fill(data[i * channels]!, 3 * i, 3 * i + 3);
  return rgb;
}

function firstLine(cause: unknown): string {
  const line = (cause instanceof Error ? cause.message : String(cause)).trim().split('\n')[0]!;
  return /[.!?]$/.test(line) ? line : `${line}.`;
}
