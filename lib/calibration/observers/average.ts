import { rangeOfZeros, type Observer } from './observer';

/**
 * threshold = the average over all samples of the greatest |x| of each. A sample is what one run() was fed, a batch of any size.
 *
 * The plain average, as PaddlePaddle's PostTrainingQuantization has it (`algo='avg'`), and not one that decays exponentially
 * (PyTorch's MovingAverageMinMaxObserver, onnxruntime's `CalibMovingAverage`): that one depends on the order of the samples, so
 * that shards of a calibration could not be merged.
 */
export const averageObserver: Observer = {
  name: 'average',
  description: 'the average over samples of the greatest absolute value',
  collects: 'extremes',
  range(statistics, dtype, bits) {
    const { absMax, samples, sumOfMaxima } = statistics;
    return absMax > 0 ? { threshold: sumOfMaxima.value / samples } : rangeOfZeros(statistics, dtype, bits);
  },
};
