import fc from 'fast-check';
import { absHistogram, total, widen } from '../../lib/calibration/histogram';
import { finiteCount } from '../../lib/calibration/statistics';
import { gaussian, statisticsOf } from './statistics-of';

const values = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -100, max: 100 }), {
  minLength: 1,
  maxLength: 200,
});

describe('absHistogram', () => {
  test('keeps every count, whole, with a last bin that is not empty', () => {
    fc.assert(
      fc.property(values, fc.constantFrom(16, 300, 2048), (list, bins) => {
        const statistics = statisticsOf(list);
        const { counts, width } = absHistogram(statistics, bins);
        expect(counts).toHaveLength(bins);
        expect(total(counts)).toBe(finiteCount(statistics));
        expect(counts.every((count) => Number.isInteger(count) && count >= 0)).toBe(true);
        expect(width * bins).toBeCloseTo(statistics.absMax, 10);
        if (statistics.absMax > 0) expect(counts[bins - 1]).toBeGreaterThan(0);
      }),
    );
  });

  test('is off by no more than the elements of one fine bin at each border', () => {
    const samples = gaussian(50_000, 1);
    const statistics = statisticsOf(samples);
    const { counts, width } = absHistogram(statistics);
    const direct = new Float64Array(2048);
    for (const x of samples) direct[Math.min(2047, Math.floor(Math.abs(x) / width))]! += 1;
    const fine = statistics.positive.map((count, i) => count + statistics.negative[i]!);
    const most = fine.reduce((a, b) => Math.max(a, b));
    let difference = 0;
    for (let i = 0; i < 2048; ++i) {
      difference += counts[i]! - direct[i]!;
      expect(Math.abs(difference)).toBeLessThanOrEqual(most);
    }
  });

  test('of zeros is bin 0 of width 0', () => {
    const { counts, width } = absHistogram(statisticsOf([0, 0, 0]));
    expect(counts[0]).toBe(3);
    expect(width).toBe(0);
  });

  test.each([1, 0.75, 2 ** -140, 3e38])('of the one value %p is the last bin', (value) => {
    const { counts } = absHistogram(statisticsOf([value, -value]));
    expect(counts[2047]).toBe(2);
    expect(total(counts)).toBe(2);
  });

  test('tolerates a greatest value that lies on the range itself', () => {
    const statistics = { ...statisticsOf([0.999, 0.25]), absMax: 1, max: 1 };
    expect(total(absHistogram(statistics).counts)).toBe(2);
  });
});

test('widen adds neighbors and keeps the total', () => {
  expect([...widen(Float64Array.of(1, 2, 3, 4), 1, 2)]).toEqual([3, 7, 0, 0]);
  expect([...widen(Float64Array.of(1, 2, 3, 4), 1, 2 ** 40)]).toEqual([10, 0, 0, 0]);
  expect([...widen(Float64Array.of(4, 0, 0, 0), 0, 2)]).toEqual([4, 0, 0, 0]);
});
