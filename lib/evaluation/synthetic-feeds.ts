import { Calibr8Error } from '../errors';
import { DATA_TYPES, elementCount, isFloat } from '../graph/data-type';
import { Tensor } from '../tensor';
import type { InputMetadata } from './runnable';

export interface SyntheticFeedOptions {
  /** Size of the first dimension where the network leaves it open; default 1. */
  batch?: number | undefined;
  /** Size of every other open dimension; default 224. */
  size?: number | undefined;
}

export interface SyntheticFeeds {
  feeds: Record<string, Tensor>;
  /** Size of the first dimension of the first input. */
  batch: number;
}

/**
 * Feeds of the right shapes for measuring speed: the same pseudo-random values in [-1, 1) every time, zeros for integers
 * (which are often indices).
 * @throws INVALID_ARGUMENT where a batch is asked for that the network does not take
 */
export function syntheticFeeds(
  inputs: readonly InputMetadata[],
  { batch, size = 224 }: SyntheticFeedOptions = {},
): SyntheticFeeds {
  const fixed = inputs[0]?.shape[0];
  if (typeof fixed === 'number' && batch !== undefined && batch !== fixed)
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected a batch of ${fixed}, which input "${inputs[0]!.name}" is fixed to, but received ${batch}.`,
    );
  const actual = typeof fixed === 'number' ? fixed : (batch ?? 1);
  const feeds: Record<string, Tensor> = {};
  for (const { name, type, shape } of inputs) {
    const dims = shape.map((dim, axis) => (typeof dim === 'number' ? dim : axis === 0 ? actual : size));
    const count = elementCount(dims);
    const data = isFloat(type) && type !== 'float16' ? noise(count) : new DATA_TYPES[type].array(count);
    feeds[name] = new Tensor(type, type === 'float64' ? Float64Array.from(data as Float32Array) : data, dims);
  }
  return { feeds, batch: actual };
}

/** A linear congruential generator's upper bits (Numerical Recipes' constants). */
function noise(count: number): Float32Array {
  const values = new Float32Array(count);
  let state = 1;
  for (let i = 0; i < count; ++i) {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    values[i] = state / 2 ** 31 - 1;
  }
  return values;
}
