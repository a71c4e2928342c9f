import fc from 'fast-check';
import { loadAddon } from '../../lib/runtime/load';
import type { RoundingProblem } from '../../lib/runtime/addon';
import { Random } from '../support/random';

/** Moments of random rows, so that they are positive definite. */
function problem(seed: number, rows: number, columns: number, groups: number): RoundingProblem {
  const random = new Random(seed);
  const moments = new Float32Array(groups * columns * columns);
  for (let g = 0; g < groups; ++g)
    for (let p = 0; p < 2 * columns; ++p) {
      const shared = random.next();
      const x = random.floats(columns).map((value) => value + shared);
      for (let i = 0; i < columns; ++i)
        for (let j = 0; j < columns; ++j)
          moments[(g * columns + i) * columns + j]! += (x[i]! * x[j]!) / columns;
    }
  const weights = random.floats(rows * columns);
  const scales = new Float32Array(rows).fill(1 / 20);
  const levels = Int8Array.from(weights, (w) => Math.round(w * 20));
  return {
    rows,
    columns,
    groups,
    moments,
    weights,
    scales,
    levels,
    greatestLevel: 127,
    sweeps: 20,
    threads: 2,
  };
}

function error(
  { rows, columns, groups, moments, weights, scales }: RoundingProblem,
  levels: Int8Array,
): number {
  let total = 0;
  for (let row = 0; row < rows; ++row) {
    const offset = Math.floor(row / (rows / groups)) * columns * columns;
    const e = Array.from({ length: columns }, (_, k) => {
      const at = row * columns + k;
      return scales[row]! * levels[at]! - weights[at]!;
    });
    for (let i = 0; i < columns; ++i)
      for (let j = 0; j < columns; ++j) total += e[i]! * moments[offset + i * columns + j]! * e[j]!;
  }
  return total;
}

describe('roundWeights', () => {
  it('never does worse than the nearest levels, and no single weight could do better', async () => {
    const sizes = fc.record({
      seed: fc.integer(),
      groups: fc.integer({ min: 1, max: 3 }),
      perGroup: fc.integer({ min: 1, max: 11 }),
      columns: fc.integer({ min: 1, max: 9 }),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ seed, groups, perGroup, columns }) => {
        const given = problem(seed, groups * perGroup, columns, groups);
        const levels = await loadAddon().roundWeights(given);
        const reached = error(given, levels);
        expect(reached).toBeLessThanOrEqual(error(given, given.levels) * (1 + 1e-5));
        for (let at = 0; at < levels.length; ++at)
          for (const step of [-1, 1]) {
            const other = levels.slice();
            other[at]! += step;
            expect(error(given, other)).toBeGreaterThanOrEqual(reached * (1 - 1e-4) - 1e-7);
          }
      }),
      { numRuns: 40 },
    );
  });

  it('finds what independent rounding cannot: two equal inputs share their errors', async () => {
    const given: RoundingProblem = {
      rows: 1,
      columns: 2,
      groups: 1,
      moments: Float32Array.of(1, 1, 1, 1),
      weights: Float32Array.of(0.4, 0.4),
      scales: Float32Array.of(1),
      levels: Int8Array.of(0, 0),
      greatestLevel: 127,
      sweeps: 5,
      threads: 1,
    };
    const levels = await loadAddon().roundWeights(given);
    expect(levels[0]! + levels[1]!).toBe(1);
  });

  it('keeps to the levels there are and leaves alone what no input excites', async () => {
    const given: RoundingProblem = {
      rows: 1,
      columns: 2,
      groups: 1,
      moments: Float32Array.of(1, 0, 0, 0),
      weights: Float32Array.of(-500, 3),
      scales: Float32Array.of(1),
      levels: Int8Array.of(0, 5),
      greatestLevel: 127,
      sweeps: 5,
      threads: 1,
    };
    expect([...(await loadAddon().roundWeights(given))]).toEqual([-127, 5]);
    const fewer = { ...given, levels: Int8Array.of(0, 0), greatestLevel: 7 };
    expect([...(await loadAddon().roundWeights(fewer))]).toEqual([-7, 0]);
  });

  it.each<[string, Partial<Record<keyof RoundingProblem, unknown>>, RegExp]>([
    ['rows that do not divide into groups', { groups: 3 }, /divide/],
    ['too few moments', { moments: new Float32Array(3) }, /bytes for 'moments'/],
    ['NaN', { weights: new Float32Array(8).fill(NaN) }, /finite values in 'weights'/],
    ['a scale of 0', { scales: new Float32Array(2) }, /scales above 0/],
    ['no sweeps', { sweeps: 0 }, /sweeps/],
    ['columns that are no number', { columns: 'many' }, /columns/],
    ['no levels', { levels: undefined }, /levels/],
    ['a level that int8 does not have', { greatestLevel: 128 }, /greatestLevel/],
  ])('refuses %s', (_, wrong, message) => {
    const call = (): unknown =>
      loadAddon().roundWeights({ ...problem(1, 2, 4, 1), ...wrong } as RoundingProblem);
    expect(call).toThrow(message);
    expect(call).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  it('refuses what is no object', () => {
    expect(() => loadAddon().roundWeights(undefined as never)).toThrow(/Expected an object/);
  });
});
