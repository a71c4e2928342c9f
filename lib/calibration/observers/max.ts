import { rangeOfZeros, type Observer } from './observer';

/** threshold = the greatest |x| over every sample: nothing is clipped. Default of PaddlePaddle 1.3's calibrator. */
export const maxObserver: Observer = {
  name: 'max',
  description: 'the greatest absolute value; clips nothing',
  collects: 'extremes',
  range(statistics, dtype, bits) {
    return statistics.absMax > 0 ? { threshold: statistics.absMax } : rangeOfZeros(statistics, dtype, bits);
  },
};
