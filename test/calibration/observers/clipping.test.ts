import fc from 'fast-check';
import { LossCurve } from '../../../lib/calibration/loss-curve';
import { OBSERVERS } from '../../../lib/calibration/observers/registry';
import { mergeStatistics, type TensorStatistics } from '../../../lib/calibration/statistics';
import type { ActivationType } from '../../../lib/quantization/parameters';
import { gaussian, random, statisticsOf } from '../statistics-of';

/** Tensors of many kinds: bells, tails, outliers, clipped activations, few distinct values. */
const tensor = fc
  .record({
    seed: fc.integer(),
    count: fc.constantFrom(3, 50, 2000),
    kind: fc.constantFrom('normal', 'relu', 'relu6', 'laplace', 'few values', 'outliers'),
    scale: fc.constantFrom(1e-6, 1, 777),
  })
  .map(({ seed, count, kind, scale }) => {
    const next = random(seed);
    const points = Array.from({ length: 5 }, () => next() - 0.3);
    const one = (x: number): number => {
      if (kind === 'relu') return Math.max(0, x);
      if (kind === 'relu6') return Math.min(6, Math.max(0, 4 * x));
      if (kind === 'laplace') return Math.log(1 - next()) * (next() < 0.5 ? -1 : 1);
      if (kind === 'few values') return points[Math.floor(next() * points.length)]!;
      if (kind === 'outliers') return next() < 0.002 ? 100 * x : x;
      return x;
    };
    return statisticsOf([...gaussian(count, seed)].map((x) => Math.fround(scale * one(x))));
  });
const dtype = fc.constantFrom<ActivationType>('uint8', 'int8');

function errorOf(name: string, statistics: TensorStatistics, type: ActivationType): number {
  const { threshold } = OBSERVERS.get(name).range(statistics, type);
  return new LossCurve(statistics).at(threshold, type).error;
}

describe('mse', () => {
  test('makes no more error than the best threshold of any grid', () => {
    fc.assert(
      fc.property(tensor, dtype, fc.integer({ min: 1, max: 300 }), (statistics, type, points) => {
        fc.pre(statistics.absMax > 0);
        const curve = new LossCurve(statistics);
        const grid = Array.from(
          { length: points },
          (_, i) => curve.at((statistics.absMax * (i + 1)) / points, type).error,
        );
        expect(errorOf('mse', statistics, type)).toBeLessThanOrEqual(Math.min(...grid) * (1 + 1e-6));
      }),
      { numRuns: 20 },
    );
  });

  test.each([1, 10, 1000])(
    'balances the clipping of %p outliers with the rounding of the others',
    (outliers) => {
      const [count, far] = [100_000, 20];
      const statistics = statisticsOf([...gaussian(count, 3), ...new Array<number>(outliers).fill(far)]);
      const { threshold } = OBSERVERS.get('mse').range(statistics, 'int8');
      // Where the derivative of outliers (far - T)^2 + count (T / 127)^2 / 12 is 0.
      const ideal = far / (1 + count / (12 * 127 ** 2 * outliers));
      expect(Math.abs(threshold / ideal - 1)).toBeLessThan(0.01);
    },
  );
});

describe('percentile', () => {
  test('keeps the share of the values that it is named for', () => {
    const values = gaussian(100_000, 9);
    const sorted = [...values].map(Math.abs).sort((a, b) => a - b);
    for (const [name, share] of [
      ['percentile', 0.9999],
      ['percentile:99', 0.99],
      ['percentile:50', 0.5],
    ] as const) {
      const { threshold } = OBSERVERS.get(name).range(statisticsOf(values));
      expect(threshold).toBeCloseTo(sorted[Math.ceil(share * sorted.length) - 1]!, 3);
    }
  });

  test('of all values is the greatest', () => {
    fc.assert(
      fc.property(tensor, (statistics) => {
        fc.pre(statistics.absMax > 0);
        expect(OBSERVERS.get('percentile:100').range(statistics).threshold).toBeCloseTo(
          statistics.absMax,
          12,
        );
      }),
      { numRuns: 20 },
    );
  });

  test('of a tensor that is almost always zero is no less than a bin', () => {
    const statistics = statisticsOf([...new Array<number>(100_000).fill(0), 3]);
    expect(OBSERVERS.get('percentile').range(statistics).threshold).toBeCloseTo(4 / 32768, 12);
  });
});

test('average is the mean of the samples’ greatest values, in any order', () => {
  const samples = [[1, -7], [3, 0], [0, 0], [-0.1]].map((sample) => statisticsOf(sample));
  const { range } = OBSERVERS.get('average');
  expect(range(samples.reduce(mergeStatistics)).threshold).toBe(10.1 / 4);
  expect(range([...samples].reverse().reduce(mergeStatistics)).threshold).toBe(10.1 / 4);
});

describe('auto', () => {
  const others = OBSERVERS.names.filter((name) => name !== 'auto');

  test('makes no more error than any other', () => {
    fc.assert(
      fc.property(tensor, dtype, (statistics, type) => {
        fc.pre(statistics.absMax > 0);
        const least = Math.min(...others.map((name) => errorOf(name, statistics, type)));
        expect(errorOf('auto', statistics, type)).toBeLessThanOrEqual(least * (1 + 2e-6));
        const { chosen, threshold } = OBSERVERS.get('auto').range(statistics, type);
        expect(OBSERVERS.get(chosen!).range(statistics, type).threshold).toBe(threshold);
      }),
      { numRuns: 8 },
    );
  });

  test('takes the range that clips less where errors are equal', () => {
    const { threshold, chosen } = OBSERVERS.get('auto').range(statisticsOf([0, 255]), 'uint8');
    expect({ threshold, chosen }).toEqual({ threshold: 255, chosen: 'max' });
  });
});
