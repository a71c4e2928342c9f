import fc from 'fast-check';
import { klObserver, leastDivergence } from '../../../lib/calibration/observers/kl';
import { gaussian, random, statisticsOf } from '../statistics-of';
import { divergences } from './naive-kl';

/** Histograms of many shapes: decay, sparseness, gaps, a peak at zero, outliers. */
const histogram = fc
  .record({
    seed: fc.integer(),
    greatest: fc.constantFrom(1, 3, 100, 1e6),
    decay: fc.constantFrom(0, 0.002, 0.01),
    filled: fc.constantFrom(1, 0.9, 0.3, 0.02),
    atZero: fc.constantFrom(0, 1e7),
    emptyFrom: fc.integer({ min: 1, max: 2048 }),
    emptyTo: fc.integer({ min: 1, max: 2048 }),
  })
  .map(({ seed, greatest, decay, filled, atZero, emptyFrom, emptyTo }) => {
    const next = random(seed);
    const counts = Array.from({ length: 2048 }, (_, bin) => {
      const empty = next() > filled || (bin >= emptyFrom && bin < emptyTo);
      return empty ? 0 : Math.ceil(next() * greatest * Math.exp(-decay * bin));
    });
    counts[0]! += atZero;
    counts[2047]! += 1;
    return counts;
  });

test('finds the least divergence of the rule taken literally', () => {
  fc.assert(
    fc.property(histogram, (counts) => {
      const naive = divergences(counts);
      const least = Math.min(...naive.values());
      const chosen = naive.get(leastDivergence(Float64Array.from(counts)));
      // Two candidates may be equal but for rounding; any of them is right.
      expect(chosen! - least).toBeLessThan(1e-11);
    }),
    { numRuns: 15 },
  );
});

test('agrees with the rule taken literally on samples, bin for bin', () => {
  for (const seed of [1, 2]) {
    const counts = new Array<number>(2048).fill(0);
    const samples = gaussian(50_000, seed);
    const width = samples.reduce((a, x) => Math.max(a, Math.abs(x)), 0) / 2048;
    for (const x of samples) counts[Math.min(2047, Math.floor(Math.abs(x) / width))]! += 1;
    const naive = divergences(counts);
    const [best] = [...naive].reduce((a, b) => (b[1] < a[1] ? b : a));
    expect(leastDivergence(Float64Array.from(counts))).toBe(best);
  }
});

test('the threshold lies between 70 % of the greatest value and half a bin above it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -1000, max: 1000 }), { minLength: 1 }),
      (values) => {
        const statistics = statisticsOf(values);
        const { threshold } = klObserver.range(statistics);
        expect(threshold).toBeGreaterThan(statistics.absMax * 0.69);
        if (statistics.absMax > 0) expect(threshold).toBeLessThanOrEqual(statistics.absMax * (1 + 1 / 2048));
      },
    ),
  );
});

test('one repeated value keeps all bins', () => {
  expect(klObserver.range(statisticsOf([-3, -3, -3])).threshold).toBeCloseTo((3 * 2048.5) / 2048, 12);
});

test('a lone outlier far away is not clipped below 70 %', () => {
  // The rule's floor: KL does not look below 70 % of the bins, however few values lie above.
  const { threshold } = klObserver.range(statisticsOf([...gaussian(10_000, 7), 100]));
  expect(threshold).toBeGreaterThan(69);
});

test('54 tensors take no noticeable time', () => {
  const statistics = statisticsOf(gaussian(50_000, 5));
  const start = performance.now();
  for (let i = 0; i < 54; ++i) klObserver.range(statistics);
  expect(performance.now() - start).toBeLessThan(1500);
});
