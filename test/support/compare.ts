import type { Tensor } from '../../lib/index';
import type { Dense } from './reference/dense';

/**
 * float32 results against the reference's doubles. Sums in another order differ by a few units in the last place of their
 * largest terms, so the tolerance is relative to the result's greatest magnitude (and at least to 1).
 */
export function expectClose(actual: Tensor, expected: Dense, tolerance = 1e-5): void {
  expect([...actual.dims]).toEqual([...expected.dims]);
  expect(actual.type).toBe('float32');
  const data = actual.data as Float32Array;
  const magnitude = expected.data.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
  const worst = worstIndex(data.length, (i) => Math.abs(data[i]! - expected.data[i]!));
  if (worst < 0) return;
  const difference = Math.abs(data[worst]! - expected.data[worst]!);
  if (!(difference <= tolerance * magnitude)) {
    throw new Error(
      `Element ${worst} of [${actual.dims.join(', ')}]: received ${data[worst]} but expected ${expected.data[worst]} ` +
        `(difference ${difference}, allowed ${tolerance * magnitude}).`,
    );
  }
}

/** How far from a tie between two levels the exact result must be before its rounding counts: what float32 scaling may err. */
const TIE = 2e-3;

/**
 * Quantized results against exact levels (real / scale + zero point, before rounding). Each must be the nearest level,
 * saturated; where the exact one lies within `TIE` of the middle of two, either will do.
 * @param slack what the test allows beyond that, in levels
 */
export function expectLevels(actual: Tensor, levels: Dense, slack = 0): void {
  expect([...actual.dims]).toEqual([...levels.dims]);
  expect(['uint8', 'int8']).toContain(actual.type);
  const [low, high] = actual.type === 'uint8' ? [0, 255] : [-128, 127];
  const data = actual.data as Uint8Array;
  const distance = (i: number): number => Math.abs(data[i]! - Math.min(Math.max(levels.data[i]!, low), high));
  const worst = worstIndex(data.length, distance);
  if (worst >= 0 && !(distance(worst) <= 0.5 + TIE + slack)) {
    throw new Error(
      `Element ${worst} of ${actual.type} [${actual.dims.join(', ')}]: received ${data[worst]} but the exact level is ${levels.data[worst]}.`,
    );
  }
}

function worstIndex(count: number, badness: (index: number) => number): number {
  let worst = -1;
  let most = -1;
  for (let i = 0; i < count; ++i) {
    const value = badness(i);
    if (Number.isNaN(value)) return i;
    if (value > most) [worst, most] = [i, value];
  }
  return worst;
}
