import fc from 'fast-check';
import { confidence } from '../../lib/report/findings';

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
