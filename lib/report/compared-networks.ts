import {
  addSums,
  emptyStatistics,
  requireFinite,
  sampleSums,
  toStatistics,
  type SampleSums,
  type TensorStatistics,
} from '../calibration/statistics';
import { Calibr8Error } from '../errors';
import type { Graph } from '../graph/graph';
import { checkFeeds } from '../runtime/feeds';
import { Executor } from '../runtime/executor';
import type { ResolvedOptions } from '../runtime/options';
import type { TensorMap } from '../runtime/session';
import { Tensor } from '../tensor';
import type { Match } from './correspondence';
import { expose, isolate, type Isolated, type Probe } from './probe';
import { layoutOf } from './tensor-meter';

/** What both networks made of the same inputs. Arrays are by match, tensors of outputs by name. */
export interface PairRun {
  readonly reference: readonly Tensor<'float32'>[];
  readonly stored: readonly Tensor<'uint8' | 'int8'>[];
  readonly fp32Outputs: TensorMap;
  readonly int8Outputs: TensorMap;
}

/** FP32 and INT8 network side by side, with every matched value to be seen, and the INT8 one cut into its pieces. */
export class ComparedNetworks {
  readonly #fp32: { probe: Probe; executor: Executor };
  readonly #int8: { probe: Probe; executor: Executor };
  readonly #pieces: { probe: Isolated; executor: Executor };
  /** By match, over all committed runs. */
  readonly #sums = new Map<number, SampleSums>();

  /** Takes canonical graphs, which it does not change. */
  constructor(
    reference: Graph,
    quantized: Graph,
    readonly matches: readonly Match[],
    options: ResolvedOptions,
  ) {
    const observed = expose(
      reference,
      matches.map((match) => match.reference),
    );
    matches.forEach((match, index) => (observed.values.get(match.reference)!.observer = index));
    const open = <T extends Probe>(probe: T): { probe: T; executor: Executor } => ({
      probe,
      executor: new Executor(probe.graph, options),
    });
    this.#fp32 = open<Probe>(observed);
    this.#int8 = open<Probe>(
      expose(
        quantized,
        matches.map(({ quantizer }) => quantizer.outputs[0]!),
      ),
    );
    this.#pieces = open(isolate(quantized, matches));
  }

  /** Runs both networks. */
  async run(feeds: TensorMap): Promise<PairRun> {
    const fp32Outputs = named(this.#fp32.probe.graph, await this.#fp32.executor.run(feeds));
    this.#requireFinite();
    const int8Outputs = named(this.#int8.probe.graph, await this.#int8.executor.run(feeds));
    return {
      reference: this.#fp32.probe.names.map(
        (name, index) =>
          (name === undefined
            ? feeds[this.matches[index]!.reference.name]
            : fp32Outputs[name]) as Tensor<'float32'>,
      ),
      stored: this.#int8.probe.names.map((name) => int8Outputs[name!] as Tensor<'uint8' | 'int8'>),
      fp32Outputs,
      int8Outputs,
    };
  }

  /** Adds FP32's values of the last run to their statistics. */
  commit(): void {
    const { statistics } = this.#fp32.executor;
    for (const [index, pending] of statistics.readPending()) {
      const sums = sampleSums(pending);
      const before = this.#sums.get(index);
      this.#sums.set(index, before ? addSums(before, sums) : sums);
    }
    statistics.commitStatistics();
  }

  /**
   * What each piece of the INT8 network makes of FP32's values, as stored; undefined for inputs of the network.
   * @param factors by match, where the INT8 network carries channels at other sizes
   */
  async runPieces(
    feeds: TensorMap,
    { reference }: PairRun,
    factors: readonly (Float64Array | undefined)[],
  ): Promise<(Tensor<'uint8' | 'int8'> | undefined)[]> {
    const { probe, executor } = this.#pieces;
    const given = { ...feeds };
    probe.feeds.forEach((name, index) => {
      if (name !== undefined) given[name] = rescaled(reference[index]!, factors[index]);
    });
    const outputs = named(probe.graph, await executor.run(given));
    return probe.names.map((name) =>
      name === undefined ? undefined : (outputs[name] as Tensor<'uint8' | 'int8'>),
    );
  }

  /** Statistics of FP32's values over all committed runs, by match. */
  statistics(): TensorStatistics[] {
    const collected = this.#fp32.executor.statistics.readStatistics();
    return this.matches.map(({ reference }, index) => {
      const seen = collected.get(index);
      const statistics = seen ? toStatistics(seen, this.#sums.get(index)) : emptyStatistics();
      requireFinite(reference.name, statistics);
      return statistics;
    });
  }

  async close(): Promise<void> {
    for (const { executor } of [this.#fp32, this.#int8, this.#pieces]) await executor.close();
  }

  #requireFinite(): void {
    for (const [index, pending] of this.#fp32.executor.statistics.readPending()) {
      if (pending.nonFinite === 0) continue;
      throw new Calibr8Error(
        'NON_FINITE_VALUE',
        `Expected finite values in tensor "${this.matches[index]!.reference.name}" of the FP32 network but ${pending.nonFinite} are NaN or infinite. Check the preprocessing of the input, and that the FP32 model itself gives finite answers.`,
      );
    }
  }
}

/** Feeds as Tensors, checked, by name. */
export function checkedFeeds(graph: Graph, feeds: unknown): TensorMap {
  const tensors = checkFeeds(graph, feeds);
  return Object.fromEntries(graph.inputs.map(({ name }, index) => [name, tensors[index]!]));
}

function named(graph: Graph, outputs: readonly Tensor[]): TensorMap {
  return Object.fromEntries(graph.outputs.map(({ name }, index) => [name, outputs[index]!]));
}

function rescaled(tensor: Tensor<'float32'>, factors: Float64Array | undefined): Tensor {
  if (!factors) return tensor;
  const { channels, inner } = layoutOf(tensor.dims);
  const data = tensor.data.map((x, index) => x * factors[Math.floor(index / inner) % channels]!);
  return new Tensor('float32', data, tensor.dims);
}
