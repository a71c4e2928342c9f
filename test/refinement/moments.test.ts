import fc from 'fast-check';
import { secondMoments } from '../../lib/refinement/moments';
import type { Patches } from '../../lib/refinement/patches';
import { Random } from '../support/random';
import { OPTIONS } from './support';

function random(seed: number, groups: number, count: number, columns: number, offset = 0): Patches {
  const matrix = new Random(seed).floats(groups * count * columns).map((value) => value + offset);
  return { groups, count, columns, matrix };
}

/** The covariance by definition, in doubles. */
function covariance({ matrix, count, columns }: Patches, group: number, i: number, j: number): number {
  const column = (k: number): number[] =>
    Array.from({ length: count }, (_, row) => matrix[(group * count + row) * columns + k]!);
  const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / count;
  const [a, b] = [column(i), column(j)];
  const [x, y] = [mean(a), mean(b)];
  return mean(a.map((value, row) => (value - x) * (b[row]! - y)));
}

describe('secondMoments', () => {
  it('are the covariances of each group, of few columns and of many', async () => {
    const sizes = fc.record({
      seed: fc.integer(),
      groups: fc.integer({ min: 1, max: 3 }),
      count: fc.integer({ min: 1, max: 20 }),
      // Both ways to compute them: the border is at 32.
      columns: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 31, max: 35 })),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ seed, groups, count, columns }) => {
        const patches = random(seed, groups, count, columns);
        const kept = { ...patches, matrix: patches.matrix.slice() };
        const moments = await secondMoments(patches, 'mean', OPTIONS);
        expect(moments).toHaveLength(groups * columns * columns);
        moments.forEach((value, at) => {
          const [group, i, j] = [
            Math.floor(at / columns ** 2),
            Math.floor(at / columns) % columns,
            at % columns,
          ];
          expect(Math.abs(value - covariance(kept, group, i, j))).toBeLessThan(1e-5);
        });
      }),
      { numRuns: 30 },
    );
  });

  it('do not see what a column is on average', async () => {
    const [a, b] = [random(5, 1, 40, 34), random(5, 1, 40, 34, 100)];
    const [near, far] = [await secondMoments(a, 'mean', OPTIONS), await secondMoments(b, 'mean', OPTIONS)];
    near.forEach((value, i) => expect(Math.abs(value - far[i]!)).toBeLessThan(1e-4));
  });

  it('count the mean where it stays', async () => {
    for (const columns of [2, 34]) {
      const about = async (origin: 'mean' | 'zero'): Promise<Float32Array> =>
        secondMoments(random(6, 1, 50, columns, 3), origin, OPTIONS);
      const { matrix } = random(6, 1, 50, columns, 3);
      const mean = (column: number): number =>
        matrix.reduce((sum, value, i) => sum + (i % columns === column ? value / 50 : 0), 0);
      const [central, raw] = [await about('mean'), await about('zero')];
      expect(raw[1]! - central[1]!).toBeCloseTo(mean(0) * mean(1), 3);
      expect(raw[0]! - central[0]!).toBeCloseTo(mean(0) ** 2, 3);
    }
  });
});
