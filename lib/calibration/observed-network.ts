import { Calibr8Error } from '../errors';
import { clone } from '../graph/clone';
import type { Graph, Value } from '../graph/graph';
import type { Assignment } from '../quantization/assign';
import { Executor } from '../runtime/executor';
import type { ResolvedOptions } from '../runtime/options';
import type { Tensor } from '../tensor';
import { requireFinite, toStatistics, type TensorStatistics } from './statistics';

/** The FP32 network with an observer on every value whose range quantization needs. */
export class ObservedNetwork {
  readonly #executor: Executor;
  readonly #observed: readonly Value[];

  constructor(graph: Graph, assignment: Assignment, options: ResolvedOptions) {
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
    for (const [index, pending] of statistics.readPending()) {
      if (pending.nonFinite > 0) {
        throw new Calibr8Error(
          'NON_FINITE_VALUE',
          `Expected finite values in tensor "${this.#observed[index]!.name}" but ${pending.nonFinite} of ${pending.nonFinite + pending.count} are NaN or ` +
            'infinite in this sample. Check the preprocessing of the input, and that the FP32 model itself gives finite answers.',
        );
      }
    }
    statistics.commitStatistics();
  }

  /** What was collected so far, for every observed value of the graph that was given. */
  read(): Map<Value, TensorStatistics> {
    const result = new Map<Value, TensorStatistics>();
    for (const [index, collected] of this.#executor.statistics.readStatistics()) {
      const value = this.#observed[index]!;
      const statistics = toStatistics(collected);
      requireFinite(value.name, statistics);
      result.set(value, statistics);
    }
    return result;
  }

  close(): Promise<void> {
    return this.#executor.close();
  }
}
