/* eslint-disable @typescript-eslint/no-require-imports -- require() loads a part when it is needed: help is instant, and
   `doctor` works where parts do not load. import() would want .js names, which do not exist when running from sources. */
import type { Services } from './services';

/** The library itself. */
export const libraryServices: Services = {
  async createSession(model, options) {
    const { InferenceSession } = require('../runtime/session') as typeof import('../runtime/session');
    return InferenceSession.create(model, { ...options });
  },
  async createCalibrator(options) {
    const { Calibrator } = require('../calibration/calibrator') as typeof import('../calibration/calibrator');
    return Calibrator.create(options);
  },
  async quantize(options) {
    const { quantize } =
      require('../mixed-precision/quantize') as typeof import('../mixed-precision/quantize');
    return quantize(options);
  },
  async compareNetworks(options) {
    const { compareNetworks } =
      require('../report/compare-networks') as typeof import('../report/compare-networks');
    return compareNetworks(options);
  },
  async writeReport(path, comparison, context) {
    const { writeReport } = require('../report/write-report') as typeof import('../report/write-report');
    return writeReport(path, comparison, context);
  },
  async readGraph(model) {
    const { readModel } = require('../onnx') as typeof import('../onnx');
    return readModel(model);
  },
  async addonInfo() {
    const { loadAddon } = require('../runtime/load') as typeof import('../runtime/load');
    return loadAddon().info();
  },
  async measurePeaks(threads) {
    const { loadAddon } = require('../runtime/load') as typeof import('../runtime/load');
    return loadAddon().measurePeaks(threads);
  },
};
