import fc from 'fast-check';
import { AccuracyMeter, argmax, ComparisonMeter, quantile, rankOf } from '../../lib/evaluation/metrics';

// Small integers, so that ties are frequent.
const row = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 6, maxLength: 6 });
const rows = fc.array(row, { minLength: 1, maxLength: 12 });

test('argmax is the first of the greatest', () => {
  fc.assert(fc.property(row, (values) => argmax(values) === values.indexOf(Math.max(...values))));
});

test('rankOf is the place in a stable descending sort', () => {
  fc.assert(
    fc.property(row, fc.integer({ min: 0, max: 5 }), (values, label) => {
      const order = values.map((_, i) => i).sort((a, b) => values[b]! - values[a]!);
      return rankOf(values, label) === order.indexOf(label);
    }),
  );
});

test('accuracy: top-1 counts argmax, top-5 is never less, both are shares of 100', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(row, fc.integer({ min: 0, max: 5 })), { minLength: 1 }), (samples) => {
      const meter = new AccuracyMeter();
      for (const [logits, label] of samples) meter.add(logits, label);
      const right = samples.filter(([logits, label]) => argmax(logits) === label).length;
      expect(meter.count).toBe(samples.length);
      expect(meter.top1).toBeCloseTo((100 * right) / samples.length, 10);
      expect(meter.top5).toBeGreaterThanOrEqual(meter.top1);
      expect(meter.top5).toBeLessThanOrEqual(100);
    }),
  );
});

test('top-5 of five classes is everything', () => {
  const meter = new AccuracyMeter();
  meter.add([5, 4, 3, 2, 1], 4);
  expect([meter.top1, meter.top5]).toEqual([0, 100]);
});

describe('ComparisonMeter', () => {
  test('equal rows agree fully, without noise', () => {
    fc.assert(
      fc.property(rows, (list) => {
        const meter = new ComparisonMeter();
        for (const values of list) meter.add(values, values);
        return meter.agreement === 100 && meter.sqnrDb === Infinity;
      }),
    );
  });

  test('SQNR is the ratio of sums over all images, as one formula over everything', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(row, row), { minLength: 1 }), (pairs) => {
        const meter = new ComparisonMeter();
        for (const [reference, values] of pairs) meter.add(reference, values);
        const reference = pairs.flatMap(([first]) => first);
        const values = pairs.flatMap(([, second]) => second);
        const power = (list: number[]): number => list.reduce((sum, x) => sum + x * x, 0);
        const noise = power(reference.map((x, i) => x - values[i]!));
        fc.pre(noise > 0 && power(reference) > 0);
        expect(meter.sqnrDb).toBeCloseTo(10 * Math.log10(power(reference) / noise), 9);
        expect(meter.count).toBe(pairs.length);
      }),
    );
  });

  test('a tenth of the amplitude as noise is 20 dB', () => {
    const meter = new ComparisonMeter();
    meter.add([10, -10], [11, -9]);
    expect(meter.sqnrDb).toBeCloseTo(20, 10);
    expect(meter.agreement).toBe(100);
  });
});

test('quantile interpolates between neighbors', () => {
  expect(quantile([7], 0.9)).toBe(7);
  expect(quantile([1, 2, 3], 0.5)).toBe(2);
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
  expect(quantile([0, 10], 0.99)).toBeCloseTo(9.9, 10);
  expect(quantile([0, 10], 1)).toBe(10);
});
