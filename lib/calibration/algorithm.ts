import { expected } from '../errors';
import { OBSERVERS } from './observers/registry';

/**
 * How the clipping range of an activation is chosen: `max` keeps the greatest |x|; `KL` clips where the distribution loses
 * least information; `percentile` keeps 99.99 % of the values, `percentile:99.9` or `{ percentile: 99.9 }` another share; `mse`
 * makes the least squared error; `average` keeps the average of the samples' greatest |x|; `auto` takes for each tensor
 * whichever of these makes the least error.
 */
export type Algorithm =
  | 'max'
  | 'KL'
  | 'percentile'
  | `percentile:${number}`
  | { readonly percentile: number }
  | 'mse'
  | 'average'
  | 'auto';

/** The name of an algorithm, `percentile:99.9` for one with a parameter. Throws INVALID_ARGUMENT naming the option. */
export function algorithmName(algorithm: unknown, option: string): string {
  if (typeof algorithm === 'string') return OBSERVERS.get(algorithm, option).name;
  if (typeof algorithm === 'object' && algorithm !== null && Object.keys(algorithm).join() === 'percentile') {
    const { percentile } = algorithm as { percentile: unknown };
    if (typeof percentile === 'number') return OBSERVERS.get(`percentile:${percentile}`, option).name;
  }
  throw expected(`one of ${OBSERVERS.names.join(', ')}, or { percentile: number }`, option, algorithm);
}
