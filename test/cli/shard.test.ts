import fc from 'fast-check';
import { samplesOf } from '../../lib/cli/shard';

test('shards hold every run exactly once, whole and in order', () => {
  const sizes = { total: fc.integer({ min: 1, max: 60 }), batch: fc.integer({ min: 1, max: 9 }) };
  fc.assert(
    fc.property(fc.record(sizes), fc.integer({ min: 1, max: 60 }), ({ total, batch }, wanted) => {
      const all = Array.from({ length: total }, (_, i) => i);
      const runsOf = (samples: number[]): string[] =>
        Array.from({ length: Math.ceil(samples.length / batch) }, (_, i) =>
          samples.slice(i * batch, (i + 1) * batch).join(),
        );
      const count = Math.min(wanted, Math.ceil(total / batch));
      const shards = Array.from({ length: count }, (_, i) =>
        runsOf(samplesOf(all, batch, { index: i + 1, count })),
      );
      const byFirst = (a: string, b: string): number => parseInt(a) - parseInt(b);
      expect(shards.flat().sort(byFirst)).toEqual(runsOf(all));
      const lengths = shards.map(({ length }) => length);
      expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
    }),
  );
});
