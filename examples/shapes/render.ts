import { expected } from '../../lib/errors';
import { Random } from '../random';
import { Canvas } from './canvas';
import { SHAPE_CLASSES, type ShapeClass } from './classes';
import { paintBackground, paintClutter, paintOccluder, paintShape } from './scene';

/** Width and height of every image in pixels. */
export const IMAGE_SIZE = 40;

/** The names of the classes; a label is an index into this list. */
export const CLASS_NAMES: readonly string[] = SHAPE_CLASSES.map((shape) => shape.name);

/** The three disjoint parts of the data set. */
export type Split = 'train' | 'calibration' | 'validation';

/** How many images each split has. Every class has the same share of each. */
export const SPLIT_SIZES: Readonly<Record<Split, number>> = {
  train: 18000,
  calibration: 480,
  validation: 2400,
};

/** Each split draws from random streams of its own, so no image of one can turn up in another. */
const STREAMS: Readonly<Record<Split, number>> = { train: 1, calibration: 2, validation: 3 };

/** Changes every image of the data set; the trained networks belong to this value. */
const SEED = 20260101;

/** One image of the data set. */
export interface LabeledImage {
  /** IMAGE_SIZE x IMAGE_SIZE x 3 bytes: rows of pixels, each red, green, blue. */
  readonly pixels: Uint8Array;
  /** Index into {@link CLASS_NAMES}. */
  readonly label: number;
}

/**
 * Renders one image. The same split and index give the same bytes on every machine, and the images can be rendered in
 * any order. Labels go round: image i has label i modulo the number of classes, so a prefix is balanced too.
 */
export function renderImage(split: Split, index: number): LabeledImage {
  if (!Number.isInteger(index) || index < 0 || index >= SPLIT_SIZES[split]) {
    throw expected(`an integer from 0 to ${SPLIT_SIZES[split] - 1}`, 'index', index);
  }
  const label = index % SHAPE_CLASSES.length;
  const random = new Random(STREAMS[split], index, SEED);
  const canvas = new Canvas(IMAGE_SIZE);
  const background = paintBackground(canvas, random);
  paintClutter(canvas, random);
  const painted = paintShape(canvas, random, (SHAPE_CLASSES[label] as ShapeClass).inside, background);
  paintOccluder(canvas, random, painted);
  return { pixels: expose(canvas, random), label };
}

/** What a camera would add: exposure, contrast and noise. */
function expose(canvas: Canvas, random: Random): Uint8Array {
  const contrast = random.range(0.6, 1.1);
  const brightness = random.range(-25, 25);
  const noise = random.range(3, 15);
  const pixels = new Uint8Array(canvas.values.length);
  for (let i = 0; i < pixels.length; i++) {
    const value = 128 + ((canvas.values[i] as number) - 128) * contrast + brightness + noise * random.noise();
    pixels[i] = Math.max(0, Math.min(255, Math.round(value)));
  }
  return pixels;
}
