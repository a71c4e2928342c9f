import { extract } from '../graph/extract';
import type { Graph, Value } from '../graph/graph';
import { Executor } from '../runtime/executor';
import type { ResolvedOptions } from '../runtime/options';
import type { Tensor } from '../tensor';

/** Elements kept of each channel of each sample. */
const KEPT = 32;

/** What one sample shows of a tensor's channels (axis 1). */
export interface ChannelSample {
  /** Shape [channels]: the greatest |x|. */
  readonly greatest: Float32Array;
  /** Shape [channels, kept]: some of its elements, evenly spread. */
  readonly elements: Float32Array;
  readonly kept: number;
}

/**
 * Runs the network on every sample and looks at the channels of the values; of each sample only a little is kept.
 * @param feeds for each sample the graph's inputs in its order
 * @returns for each value a list over the samples
 */
export async function sampleChannels(
  graph: Graph,
  values: readonly Value[],
  feeds: readonly (readonly Tensor[])[],
  options: ResolvedOptions,
  signal?: AbortSignal,
): Promise<ChannelSample[][]> {
  const { graph: part, values: twins } = extract(graph, graph.inputs, values);
  const used = graph.inputs.map((input) => twins.get(input)!.consumers.size > 0);
  part.inputs.splice(0, part.inputs.length, ...part.inputs.filter((_, index) => used[index]));
  const executor = new Executor(part, options);
  const samples: ChannelSample[][] = values.map(() => []);
  try {
    for (const tensors of feeds) {
      signal?.throwIfAborted();
      const fed = tensors.filter((_, index) => used[index]);
      const results = await executor.run(
        Object.fromEntries(part.inputs.map(({ name }, index) => [name, fed[index]!])),
      );
      results.forEach((tensor, index) => samples[index]!.push(look(tensor)));
    }
  } finally {
    await executor.close();
  }
  return samples;
}

function look({ data, dims }: Tensor): ChannelSample {
  const values = data as Float32Array;
  const [batch, channels] = dims as [number, number];
  const inner = values.length / (batch * channels);
  const greatest = new Float32Array(channels);
  const kept = Math.min(KEPT, batch * inner);
  const elements = new Float32Array(channels * kept);
  for (let n = 0; n < batch; ++n)
    for (let c = 0; c < channels; ++c) {
      const start = (n * channels + c) * inner;
      let most = greatest[c]!;
      for (let i = start; i < start + inner; ++i) {
        const value = values[i]!;
        if (value > most) most = value;
        else if (-value > most) most = -value;
      }
      greatest[c] = most;
    }
  for (let c = 0; c < channels; ++c)
    for (let k = 0; k < kept; ++k) {
      const at = Math.floor(((k + 0.5) * batch * inner) / kept);
      elements[c * kept + k] = values[(Math.floor(at / inner) * channels + c) * inner + (at % inner)]!;
    }
  return { greatest, elements, kept };
}
