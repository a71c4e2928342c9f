/** What PaddlePaddle 1.3 published of its INT8 calibration tool for a network. */
export interface PublishedFigures {
  name: string;
  algo: 'max' | 'KL';
  /** Percent. */
  top1: { fp32: number; int8: number };
  imagesPerSecond: { fp32: number; int8: number };
}

export const PUBLISHED: readonly PublishedFigures[] = [
  {
    name: 'ResNet-50',
    algo: 'max',
    top1: { fp32: 76.63, int8: 76.23 },
    imagesPerSecond: { fp32: 11.54, int8: 32.2 },
  },
  {
    name: 'MobileNet-V1',
    algo: 'KL',
    top1: { fp32: 70.78, int8: 70.47 },
    imagesPerSecond: { fp32: 49.21, int8: 108.37 },
  },
];

/** Where the figures come from, for the foot of the tables. */
export const PUBLISHED_SOURCE =
  "* PaddlePaddle 1.3's INT8 calibration tool, as published: 50,000 ImageNet\n" +
  '  validation images, one core of an Intel Xeon Gold 6271 (VNNI)';
