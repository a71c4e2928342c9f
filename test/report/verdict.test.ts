import fc from 'fast-check';
import type { OutputComparison } from '../../lib/report/choices';
import { confidence, verdictOf } from '../../lib/report/verdict';

test('the confidence interval holds the share, narrows with the samples and stays within 0 and 100', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (samples, share) => {
        const hits = Math.round(share * samples);
        const [low, high] = confidence(hits, samples);
        const [narrowLow, narrowHigh] = confidence(100 * hits, 100 * samples);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(100);
        expect(low).toBeLessThanOrEqual((100 * hits) / samples + 1e-9);
        expect(high).toBeGreaterThanOrEqual((100 * hits) / samples - 1e-9);
        expect(narrowHigh - narrowLow).toBeLessThan(high - low);
      },
    ),
  );
});

test("it is Wilson's: 47 of 50 and 0 of 10 as published tables have them", () => {
  const [low, high] = confidence(47, 50);
  expect([low, high].map((value) => value.toFixed(1))).toEqual(['83.8', '97.9']);
  expect(confidence(0, 10)[1].toFixed(1)).toBe('27.8');
});

test.each([
  ['agreement decides', 175, 200, 40, 'poor'],
  ['where few samples leave it open, the SQNR decides', 19, 20, 34, 'excellent'],
  ['but not for the better where it is low itself', 19, 20, 10, 'fair'],
  ['and not beyond what the samples allow', 900, 1000, 34, 'poor'],
])('grade: %s', (_, equal, samples, sqnrDb, grade) => {
  const output: OutputComparison = {
    ...{ name: 'logits', size: 10, sqnrDb, agreementPercent: (100 * equal) / samples, top1: undefined },
    pairs: [
      { fp32: 1, int8: 1, count: equal },
      { fp32: 1, int8: 2, count: samples - equal },
    ],
    differences: [],
    whereDifferent: { fp32Right: 0, int8Right: 0, neither: 0 },
  };
  expect(verdictOf(output).grade).toBe(grade);
});
