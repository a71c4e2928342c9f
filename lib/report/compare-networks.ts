import { Calibr8Error, expected } from '../errors';
import { measureComplexity } from '../evaluation/complexity';
import { clone } from '../graph/clone';
import type { Graph } from '../graph/graph';
import { precisionOf } from '../runtime/program-info';
import { resolveOptions } from '../runtime/options';
import { metadataOf, type TensorMap, type ValueMetadata } from '../runtime/session';
import { ChannelFactors } from './channel-factors';
import { checkedFeeds, ComparedNetworks } from './compared-networks';
import type { Comparison, TensorComparison } from './comparison';
import { findCorrespondence } from './correspondence';
import type { ComparisonInput, ComparisonInputs } from './input';
import { loadPair } from './load';
import { Meters } from './meters';
import { receiptIn, recordedFactors } from './receipt';
import { measureSpeed } from './speed';
import { compareWeights, type ChannelSizes } from './weights';

/** Options of {@link compareNetworks}. */
export interface CompareOptions {
  /** Path of the FP32 ONNX model, or its bytes. */
  fp32: string | Uint8Array;
  /** Path of the INT8 (QDQ) ONNX model that was made from it, or its bytes; any tool's that keeps FP32's names. */
  int8: string | Uint8Array;
  /**
   * Representative inputs, best not those of the calibration; about 50 serve. A function gets the networks' inputs first, for
   * those who make feeds to measure.
   */
  inputs: ComparisonInputs | ((inputs: readonly ValueMetadata[]) => ComparisonInputs);
  /** The output that the labels are for; default the only one. */
  logits?: string;
  /** Threads for the work of one run; default as for sessions. */
  threads?: number;
  /** Called after each run with the number of inputs compared so far. */
  onProgress?: (done: number) => void;
  /** Stops between runs by throwing the signal's reason. */
  signal?: AbortSignal;
}

/** Runs that are looked at first, to see whether the INT8 network carries channels at other sizes. */
const LOOKED_AT = 8;

/**
 * Runs an FP32 network and the INT8 network made from it on the same inputs, and tells for every tensor how far they are apart,
 * how much of that the layer adds on its own, and what its range has to do with it. Memory does not grow with the inputs.
 *
 * Errors: INVALID_ARGUMENT where the two are no pair of FP32 and INT8 or there are no inputs, NON_FINITE_VALUE for NaN or Infinity
 * in an FP32 tensor, and those of InferenceSession.
 */
export async function compareNetworks(options: CompareOptions): Promise<Comparison> {
  const start = performance.now();
  const { threads, signal } = options;
  const session = resolveOptions({ streams: 1, ...(threads !== undefined && { threadsPerStream: threads }) });
  const { reference, quantized } = await loadPair(options.fp32, options.int8);
  const { matches, unmatched } = findCorrespondence(reference, quantized);
  // That both take an "input" says nothing.
  if (matches.every((match) => match.reference.producer === undefined))
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected an INT8 network made from this FP32 one, with its names, but none of the ${unmatched.length} tensors that its layers make is known there. Compare an INT8 model with the FP32 model it was made from.`,
    );
  const logits = chooseLogits(reference, options.logits);
  const inputs = openInputs(options, reference);
  const first: ComparisonInput[] = [];
  while (first.length < LOOKED_AT) {
    const { value, done } = await inputs.next();
    if (done) break;
    first.push({ ...value, feeds: checkedFeeds(reference, value.feeds) });
  }
  if (first.length === 0) throw expected('at least one', 'the inputs to compare on', 'none');
  const { feeds } = first[0]!;
  const batch = Object.values(feeds)[0]?.dims[0] ?? 1;
  const speed = await measureSpeed(reference, quantized, feeds, session, batch);

  const networks = new ComparedNetworks(reference, quantized, matches, session);
  try {
    const factors = await findFactors(networks, first, recordedFactors(quantized.metadata), signal);
    const meters = new Meters(reference, matches, factors, logits);
    const compare = async (input: ComparisonInput): Promise<void> => {
      signal?.throwIfAborted();
      const run = await networks.run(input.feeds);
      meters.add(run, await networks.runPieces(input.feeds, run, factors), input);
      networks.commit();
      options.onProgress?.(meters.samples);
    };
    for (const input of first.splice(0)) await compare(input);
    for (let next = await inputs.next(); !next.done; next = await inputs.next())
      await compare({ ...next.value, feeds: checkedFeeds(reference, next.value.feeds) });
    signal?.throwIfAborted();
    const tensors = meters.tensors(networks.statistics());
    return {
      samples: meters.samples,
      tensors,
      unmatched,
      outputs: meters.outputs(),
      layers: compareWeights(reference, quantized, sizesOf(tensors, factors)),
      precision: precisionOf(quantized),
      int8Percent: int8Share(quantized, feeds),
      speed,
      receipt: receiptIn(quantized.metadata),
      seconds: (performance.now() - start) / 1000,
    };
  } finally {
    await networks.close();
  }
}

/** What the receipt of a network made here says; other tools leave it to be found out. */
async function findFactors(
  networks: ComparedNetworks,
  inputs: readonly ComparisonInput[],
  recorded: ReadonlyMap<string, Float64Array>,
  signal: AbortSignal | undefined,
): Promise<(Float64Array | undefined)[]> {
  const each = networks.matches.map(({ grid }) => new ChannelFactors(grid));
  for (const { feeds } of inputs) {
    signal?.throwIfAborted();
    const { reference, stored } = await networks.run(feeds);
    each.forEach((factors, index) =>
      factors.add(reference[index]!.data, stored[index]!.data, reference[index]!.dims),
    );
  }
  return each.map((factors, index) => {
    const known = recorded.get(networks.matches[index]!.reference.name);
    return known?.length === factors.channels ? known : factors.result();
  });
}

function sizesOf(
  tensors: readonly TensorComparison[],
  factors: readonly (Float64Array | undefined)[],
): ChannelSizes {
  const known = tensors.flatMap((tensor, index) => {
    const sizes = factors[index];
    return sizes ? [{ tensor, sizes }] : [];
  });
  return {
    tensors: new Map(known.map(({ tensor, sizes }) => [tensor.name, sizes])),
    results: new Map(
      known.flatMap(({ tensor: { layer }, sizes }) => (layer ? [[layer.name, sizes] as const] : [])),
    ),
  };
}

function chooseLogits({ outputs }: Graph, wanted: string | undefined): string | undefined {
  if (wanted === undefined) return outputs.length === 1 ? outputs[0]!.name : undefined;
  if (outputs.some(({ name }) => name === wanted)) return wanted;
  throw expected(`one of ${outputs.map(({ name }) => name).join(', ')}`, 'logits', wanted);
}

function openInputs({ inputs }: CompareOptions, reference: Graph): AsyncIterator<ComparisonInput> {
  const opened = typeof inputs === 'function' ? inputs(reference.inputs.map(metadataOf)) : inputs;
  async function* each(): AsyncGenerator<ComparisonInput> {
    yield* opened;
  }
  return each();
}

function int8Share(quantized: Graph, feeds: TensorMap): number {
  const dims = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, tensor.dims]));
  const { multiplyAdds, int8MultiplyAdds } = measureComplexity(clone(quantized).graph, dims);
  return multiplyAdds === 0 ? 0 : (100 * int8MultiplyAdds) / multiplyAdds;
}
