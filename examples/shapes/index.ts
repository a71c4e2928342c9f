export { INPUT_DEVIATION, INPUT_MEAN, toInput } from './input';
export { CLASS_NAMES, IMAGE_SIZE, SPLIT_SIZES, renderImage } from './render';
export type { LabeledImage, Split } from './render';
