/** An interleaved 8-bit image. */
export interface Pixels {
  readonly data: Uint8Array;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Values a pixel. */
  readonly channels: number;
}

/** The side of a square, or height and width, in pixels. */
export type Extent = number | readonly [height: number, width: number];

/** Height and width. */
export function sidesOf(extent: Extent): readonly [height: number, width: number] {
  return typeof extent === 'number' ? [extent, extent] : extent;
}

/** A range of columns or rows of a resized image. */
interface Span {
  readonly start: number;
  readonly count: number;
}

/** Fixed-point weights of one axis: output i is the weighted sum of `taps` inputs from `first[i]` on, unused taps weigh 0. */
interface Weights {
  readonly taps: number;
  readonly first: Int32Array;
  readonly used: Int32Array;
  readonly values: Int32Array;
}

// A local name: looking Math up in every step is slow where globals are intercepted, as in test sandboxes.
const { imul } = Math;
const LOBES = 3;
/** As many fraction bits as leave an 8-bit pixel, the sign and the kernel's overshoot in 32 bits. */
const FRACTION_BITS = 22;
const HALF = 1 << (FRACTION_BITS - 1);

/** Rounds halves to the even neighbor, as Python does, so that sizes agree with its image pipelines. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const fraction = value - floor;
  if (fraction !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** The size of an image whose shorter side becomes `side`, keeping its proportions. */
export function resizedShorterSide(width: number, height: number, side: number): [number, number] {
  const scale = side / Math.min(width, height);
  return [roundHalfEven(width * scale), roundHalfEven(height * scale)];
}

/**
 * Resizes to `width` x `height` with an antialiased Lanczos-3 kernel and cuts the middle of the size `crop` out, computing only
 * what the crop shows. Pillow's resize(LANCZOS) is the reference, bit for bit: two passes, horizontal first, 22 fraction bits,
 * 8-bit values in between. libvips's own resize shifts enlarged images by half a pixel, which costs accuracy.
 */
export function resizeAndCrop(image: Pixels, width: number, height: number, crop: Extent): Uint8Array {
  const [cropHeight, cropWidth] = sidesOf(crop);
  const columns: Span = { start: Math.floor((width - cropWidth) / 2), count: cropWidth };
  const rows: Span = { start: Math.floor((height - cropHeight) / 2), count: cropHeight };
  const horizontal = lanczosWeights(image.width, width, columns);
  const vertical = lanczosWeights(image.height, height, rows);
  const last = cropHeight - 1;
  const top = vertical.first[0]!;
  const bottom = vertical.first[last]! + vertical.used[last]!;
  const narrow = resampleRows(image, horizontal, top, bottom, cropWidth);
  return resampleColumns(narrow, vertical, top, cropWidth * image.channels, cropHeight);
}

/** Cuts the middle of the size `crop` out. */
export function cropCenter({ data, width, height, channels }: Pixels, crop: Extent): Uint8Array {
  const [cropHeight, cropWidth] = sidesOf(crop);
  const left = Math.floor((width - cropWidth) / 2);
  const top = Math.floor((height - cropHeight) / 2);
  const rowLength = cropWidth * channels;
  const result = new Uint8Array(cropHeight * rowLength);
  for (let y = 0; y < cropHeight; ++y) {
    const start = ((top + y) * width + left) * channels;
    result.set(data.subarray(start, start + rowLength), y * rowLength);
  }
  return result;
}

function lanczosWeights(inputSize: number, outputSize: number, span: Span): Weights {
  const scale = inputSize / outputSize;
  const filterScale = Math.max(scale, 1);
  const support = LOBES * filterScale;
  const taps = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(span.count);
  const used = new Int32Array(span.count);
  const values = new Int32Array(span.count * taps);
  const real = new Float64Array(taps);
  for (let i = 0; i < span.count; ++i) {
    const center = (span.start + i + 0.5) * scale;
    const begin = Math.max(0, Math.trunc(center - support + 0.5));
    const count = Math.min(inputSize, Math.trunc(center + support + 0.5)) - begin;
    let total = 0;
    for (let k = 0; k < count; ++k) {
      real[k] = lanczos((k + begin - center + 0.5) / filterScale);
      total += real[k]!;
    }
    for (let k = 0; k < count; ++k) {
      const fixed = (real[k]! / total) * 2 ** FRACTION_BITS;
      values[i * taps + k] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }
    first[i] = begin;
    used[i] = count;
  }
  return { taps, first, used, values };
}

function lanczos(x: number): number {
  return x >= -LOBES && x < LOBES ? sinc(x) * sinc(x / LOBES) : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

function resampleRows(
  image: Pixels,
  weights: Weights,
  top: number,
  bottom: number,
  width: number,
): Uint8Array {
  const { data, channels } = image;
  const { taps, first, used, values } = weights;
  // A clamped array saturates at 0 and 255, which the kernel's negative lobes need.
  const result = new Uint8ClampedArray((bottom - top) * width * channels);
  let target = 0;
  for (let y = top; y < bottom; ++y) {
    const row = y * image.width * channels;
    for (let x = 0; x < width; ++x) {
      const begin = row + first[x]! * channels;
      const count = used[x]!;
      for (let c = 0; c < channels; ++c) {
        let sum = HALF;
        for (let k = 0, at = begin + c; k < count; ++k, at += channels)
          sum = (sum + imul(data[at]!, values[x * taps + k]!)) | 0;
        result[target++] = sum >> FRACTION_BITS;
      }
    }
  }
  return new Uint8Array(result.buffer);
}

function resampleColumns(
  data: Uint8Array,
  weights: Weights,
  top: number,
  rowLength: number,
  height: number,
): Uint8Array {
  const { taps, first, used, values } = weights;
  const result = new Uint8ClampedArray(height * rowLength);
  const sums = new Int32Array(rowLength);
  for (let y = 0; y < height; ++y) {
    sums.fill(HALF);
    for (let k = 0; k < used[y]!; ++k) {
      const weight = values[y * taps + k]!;
      const row = (first[y]! + k - top) * rowLength;
      for (let x = 0; x < rowLength; ++x) sums[x] = (sums[x]! + imul(data[row + x]!, weight)) | 0;
    }
    for (let x = 0; x < rowLength; ++x) result[y * rowLength + x] = sums[x]! >> FRACTION_BITS;
  }
  return new Uint8Array(result.buffer);
}
