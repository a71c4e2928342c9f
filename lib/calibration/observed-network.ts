import { Calibr8Error } from '../errors';
import { clone } from '../graph/clone';
import type { Graph, Value } from '../graph/graph';
import type { Assignment } from '../quantization/assign';
import { Executor } from '../runtime/executor';
import type { ResolvedOptions } from '../runtime/options';
import type { Tensor } from '../tensor';
import {
  addSums,
  emptyStatistics,
  requireFinite,
  sampleSums,
  toStatistics,
  type SampleSums,
  type TensorStatistics,
} from './statistics';

/** The FP32 network with an observer on every value whose range quantization needs. */
export class ObservedNetwork {
  readonly #executor: Executor;
  readonly #observed: readonly Value[];
  /** By observer: the addon's own sums are rounded after each sample. */
  readonly #sums = new Map<number, SampleSums>();

  constructor(
    graph: Graph,
    assignment: Assignment,
    readonly options: ResolvedOptions,
  ) {
    this.#observed = assignment.groups.flatMap(({ sources }) => sources);
    const copy = clone(graph);
    this.#observed.forEach((value, index) => (copy.values.get(value)!.observer = index));
    this.#executor = new Executor(copy.graph, options);
  }

  run(feeds: unknown): Promise<Tensor[]> {
    return this.#executor.run(feeds);
  }

  /** Adds the last run to the statistics. Throws NON_FINITE_VALUE naming the tensor, and then adds nothing. */
  sample(): void {
    const statistics = this.#executor.statistics;
    const pendings = statistics.readPending();
    for (const [index, pending] of pendings) {
      if (pending.nonFinite > 0) {
        throw new Calibr8Error(
          'NON_FINITE_VALUE',
          `Expected finite values in tensor "${this.#observed[index]!.name}" but ${pending.nonFinite} of ${pending.nonFinite + pending.count} are NaN or ` +
            'infinite in this sample. Check the preprocessing of the input, and that the FP32 model itself gives finite answers.',
        );
      }
    }
    statistics.commitStatistics();
    for (const [index, pending] of pendings) {
      const sums = sampleSums(pending);
      const before = this.#sums.get(index);
      this.#sums.set(index, before ? addSums(before, sums) : sums);
    }
  }

  /** What was collected so far, for every observed value of the graph that was given. */
  read(): Map<Value, TensorStatistics> {
    const collected = this.#executor.statistics.readStatistics();
    return new Map(
      this.#observed.map((value, index) => {
        const seen = collected.get(index);
        const statistics = seen ? toStatistics(seen, this.#sums.get(index)) : emptyStatistics();
        requireFinite(value.name, statistics);
        return [value, statistics];
      }),
    );
  }

  close(): Promise<void> {
    return this.#executor.close();
  }
}
