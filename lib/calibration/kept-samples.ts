import type { Tensor } from '../tensor';

/**
 * The inputs of at most `limit` samples, spread evenly over all that were seen, however many there will be: every sample, then
 * every second, then every fourth.
 */
export class KeptSamples {
  readonly #kept: (readonly Tensor[])[] = [];
  #seen = 0;
  #stride = 1;

  constructor(readonly limit: number) {}

  /** Takes a copy, since the caller may write to the tensors afterwards. */
  add(tensors: readonly Tensor[]): void {
    if (this.#seen++ % this.#stride !== 0) return;
    if (this.#kept.length === this.limit) {
      const thinned = this.#kept.filter((_, index) => index % 2 === 0);
      this.#kept.splice(0, this.#kept.length, ...thinned);
      this.#stride *= 2;
      if ((this.#seen - 1) % this.#stride !== 0) return;
    }
    this.#kept.push(tensors.map(copied));
  }

  /** As of now: what is added later does not show. */
  get all(): readonly (readonly Tensor[])[] {
    return [...this.#kept];
  }
}

function copied(tensor: Tensor): Tensor {
  const Same = tensor.constructor as new (type: string, data: unknown, dims: readonly number[]) => Tensor;
  return new Same(tensor.type, tensor.data.slice(), tensor.dims);
}
