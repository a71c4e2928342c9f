import { LossCurve } from '../../lib/calibration/loss-curve';
import { quantizationQuality } from '../../lib/calibration/quality';
import {
  activationScale,
  QUANTIZED_RANGE,
  symmetricGrid,
  type ActivationType,
} from '../../lib/quantization/parameters';
import { roundHalfEven } from '../../lib/quantization/round';
import { gaussian, random, statisticsOf } from './statistics-of';

function bruteForce(
  values: Float32Array,
  threshold: number,
  dtype: ActivationType,
): { sqnrDb: number; clippedPercent: number } {
  const scale = activationScale(threshold, dtype);
  const [low, high] = QUANTIZED_RANGE[dtype];
  let signal = 0;
  let noise = 0;
  let clipped = 0;
  for (const x of values) {
    const level = Math.min(Math.max(roundHalfEven(x / scale), low), high);
    signal += x * x;
    noise += (x - level * scale) ** 2;
    // float32 rounding of the scale is no clipping.
    if (x > high * scale * (1 + 1e-6) || x < low * scale * (1 + 1e-6)) clipped += 1;
  }
  return { sqnrDb: 10 * Math.log10(signal / noise), clippedPercent: (100 * clipped) / values.length };
}

const next = random(3);
const COUNT = 30_000;
const normal = gaussian(COUNT, 1);
const distributions: Record<string, Float32Array> = {
  normal,
  relu: normal.map((x) => Math.max(0, x)),
  relu6: normal.map((x) => Math.min(6, Math.max(0, 4 * x))),
  laplace: Float32Array.from({ length: COUNT }, () => Math.log(1 - next()) * (next() < 0.5 ? -1 : 1)),
  shifted: normal.map((x) => 0.3 * x - 2),
};

describe.each(Object.keys(distributions))('%s', (name) => {
  const values = distributions[name]!;
  const statistics = statisticsOf(values);
  test.each([
    [1, 'uint8'],
    [1, 'int8'],
    [0.7, 'int8'],
    [0.7, 'uint8'],
    [0.2, 'int8'],
    [0.03, 'int8'],
    [1.5, 'uint8'],
  ] as const)('is estimated within half a decibel at %p of the greatest value as %s', (share, dtype) => {
    const threshold = share * statistics.absMax;
    const estimate = quantizationQuality(statistics, symmetricGrid(threshold, dtype));
    const actual = bruteForce(values, threshold, dtype);
    expect(Math.abs(estimate.sqnrDb - actual.sqnrDb)).toBeLessThan(0.5);
    expect(Math.abs(estimate.clippedPercent - actual.clippedPercent)).toBeLessThan(0.1);
  });
});

test('is the exact integral of the squared error over bins of evenly spread values', () => {
  const statistics = statisticsOf([...gaussian(3000, 8), 9]);
  const { positive, negative, range, min, max } = statistics;
  for (const [threshold, dtype] of [
    [9, 'int8'],
    [2.3, 'uint8'],
    [0.4, 'int8'],
  ] as const) {
    const scale = activationScale(threshold, dtype);
    const [low, high] = QUANTIZED_RANGE[dtype];
    let noise = 0;
    for (const [side, sign, extreme] of [
      [positive, 1, max],
      [negative, -1, -min],
    ] as const) {
      side.forEach((count, i) => {
        const start = (i * range) / side.length;
        const span = Math.min(start + range / side.length, extreme) - start;
        // The midpoint rule, on so many points that it is as good as the integral.
        for (let k = 0; count > 0 && k < 100; ++k) {
          const x = sign * (start + (span * (k + 0.5)) / 100);
          const level = Math.min(Math.max(roundHalfEven(x / scale), low), high);
          noise += (count * (x - level * scale) ** 2) / 100;
        }
      });
    }
    const { error } = new LossCurve(statistics).at(threshold, dtype);
    expect(Math.abs(error / noise - 1)).toBeLessThan(1e-4);
  }
});

test('max clips nothing', () => {
  for (const values of [[0.1, 3.7], [-1.3, 1.3], [2]]) {
    const statistics = statisticsOf(values);
    expect(quantizationQuality(statistics, symmetricGrid(statistics.absMax, 'int8')).clippedPercent).toBe(0);
  }
});

test('a single value beyond the threshold is clipped entirely', () => {
  const { clippedPercent } = quantizationQuality(statisticsOf([4, 4, 0, 0]), symmetricGrid(2, 'uint8'));
  expect(clippedPercent).toBe(50);
});

test('zeros and nothing have no error', () => {
  for (const values of [[0, 0], []]) {
    expect(quantizationQuality(statisticsOf(values), symmetricGrid(1, 'uint8'))).toEqual({
      clippedPercent: 0,
      sqnrDb: Infinity,
    });
  }
});
