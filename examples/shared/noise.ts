import type { InputMetadata } from '../../lib/evaluation/runnable';
import { Tensor } from '../../lib/tensor';
import { Random } from '../random';
import type { Feeds } from './task';

/**
 * Seeded inputs of mean 0 and variance 1, as normalized images have, for networks whose answers mean nothing. They all
 * share one buffer, so that the memory of a measurement is the library's and not theirs: use each before taking the next.
 */
export async function* noiseFeeds(
  inputs: readonly InputMetadata[],
  count: number,
  seed = 1,
): AsyncGenerator<Feeds> {
  const { name, shape } = inputs[0]!;
  const dims = shape.map((dim) => (typeof dim === 'number' ? dim : 1));
  const data = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
  for (let index = 0; index < count; ++index) {
    const random = new Random(seed, index);
    for (let i = 0; i < data.length; ++i) data[i] = random.normal();
    yield { [name]: new Tensor('float32', data, dims) };
  }
}
