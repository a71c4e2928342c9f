import { Tensor } from '../tensor';
import type { TensorMap } from '../runtime/session';

/** A run whose FP32 answer is known. */
export interface Probe {
  readonly feeds: TensorMap;
  /** FP32's numbers for each sample of the batch. */
  readonly answers: readonly Float32Array[];
}

/**
 * Keeps a few of the runs that it is offered, spread evenly over all of them however many come, always the same ones: every
 * n-th, where n doubles whenever there are too many.
 */
export class Probes {
  #kept: Probe[] = [];
  #step = 1;
  #offered = 0;

  constructor(readonly most: number) {}

  offer(feeds: Readonly<TensorMap>, answers: readonly Float32Array[]): void {
    if (this.#offered++ % this.#step !== 0) return;
    // Callers may use their buffers again.
    const copies = Object.entries(feeds).map(([name, { type, data, dims }]) => [
      name,
      new Tensor(type, data.slice() as never, dims),
    ]);
    this.#kept.push({ feeds: Object.fromEntries(copies) as TensorMap, answers });
    if (this.#kept.length <= this.most) return;
    this.#kept = this.#kept.filter((_, index) => index % 2 === 0);
    this.#step *= 2;
  }

  get all(): readonly Probe[] {
    return this.#kept;
  }
}
