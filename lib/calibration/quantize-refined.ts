import { Calibr8Error } from '../errors';
import { Constant } from '../graph/constant';
import { clone } from '../graph/clone';
import type { Graph, Node, Value } from '../graph/graph';
import { operatorOf } from '../ops/registry';
import type { Assignment } from '../quantization/assign';
import { applyEqualization, chooseEqualization } from '../refinement/equalize';
import { refine } from '../refinement/refine';
import type { ResolvedOptions } from '../runtime/options';
import type { Tensor } from '../tensor';
import { ObservedNetwork } from './observed-network';
import { rangeOverrideOf } from './overrides';
import { quantizeCalibrated, type CalibratedNetwork, type QuantizationResult } from './quantize-calibrated';
import type { ResolvedRefinement } from './refinement-options';
import type { TensorStatistics } from './statistics';

/** A calibrated network before anything was copied, and what refines it. */
export interface RefinedNetwork extends Omit<CalibratedNetwork, 'values'> {
  readonly refinement: ResolvedRefinement;
  /** The kept samples: for each the inputs in the graph's order. */
  readonly feeds: readonly (readonly Tensor[])[];
  readonly session: ResolvedOptions;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Quantizes as {@link quantizeCalibrated} and refines: equalizes channels before ranges are chosen, then rounds weights and corrects
 * biases layer by layer.
 */
export async function quantizeRefined(
  network: RefinedNetwork,
): Promise<{ graph: Graph; result: QuantizationResult }> {
  const { refinement, feeds, session } = network;
  if (feeds.length < 2) {
    throw new Calibr8Error(
      'INVALID_STATE',
      `Expected at least two samples to refine on (biasCorrection, equalization, rounding) but received ${feeds.length}; ` +
        'a calibration table does not hold any. Sample two runs or more, better 50, or leave refinement out.',
    );
  }
  const { reference, graph, statistics, greatest, limits, equalized } = await equalize(network);
  if (refinement.biasCorrection) for (const one of [reference, graph]) addMissingBiases(one, network);
  const twins = new Map([...graph.values()].map((value) => [value.name, value]));
  const result = quantizeCalibrated({
    ...network,
    graph,
    values: new Map(quantizedValues(network.assignment).map((value) => [value, twins.get(value.name)!])),
    statistics,
    rules: { ...network.rules, greatest },
  });
  await refine({
    reference,
    quantized: graph,
    layers: new Map([...network.assignment.weightBits].map(([{ name }, bits]) => [name, bits])),
    feeds,
    scaleSearch: refinement.scaleSearch,
    learnedRounding: refinement.rounding === 'learned',
    biasCorrection: refinement.biasCorrection,
    limits,
    options: session,
    onProgress: network.onProgress,
    signal: network.signal,
  });
  const report = { ...refinement, equalizedTensors: equalized.length, samples: feeds.length };
  // Whoever compares the networks tensor by tensor must know that these have other units, a factor a channel.
  if (equalized.length > 0) graph.metadata.set('calibr8.equalized', JSON.stringify(equalized.map(recorded)));
  graph.metadata.set('calibr8.refinement', JSON.stringify(report));
  return { graph, result: { ...result, refinement: report } };
}

interface Prepared {
  /** The FP32 network that the quantized one is compared with. */
  reference: Graph;
  /** The one to quantize. */
  graph: Graph;
  /** Of the values of the assignment, in the unit that they have now. */
  statistics: ReadonlyMap<Value, TensorStatistics>;
  greatest: ReadonlyMap<string, number>;
  limits: ReadonlyMap<string, Float32Array>;
  /** The quantized tensors whose channels are other than in the FP32 network. */
  equalized: readonly EqualizedTensor[];
}

interface EqualizedTensor {
  readonly name: string;
  /** INT8's size over FP32's for each channel. */
  readonly factors: Float64Array;
}

/** As the receipt has it: five digits are a hundred decibels, far more than eight bits can tell. */
function recorded({ name, factors }: EqualizedTensor): { name: string; factors: number[] } {
  return { name, factors: Array.from(factors, (factor) => Number(factor.toPrecision(5))) };
}

async function equalize(network: RefinedNetwork): Promise<Prepared> {
  const { graph, assignment, statistics, feeds, session, signal } = network;
  const spaces = network.refinement.equalization
    ? await chooseEqualization(graph, assignment, feeds, session, { fixed: fixedRanges(network), signal })
    : [];
  if (spaces.length === 0) {
    const none = { greatest: new Map<string, number>(), limits: new Map<string, Float32Array>() };
    return { reference: clone(graph).graph, graph: clone(graph).graph, statistics, ...none, equalized: [] };
  }
  const { measured, graph: scaled, greatestThresholds, limits } = applyEqualization(graph, spaces);
  const changed = new Map(
    spaces.flatMap(({ space, factors }) => space.values.map(({ name }) => [name, factors])),
  );
  const observed = await observe(network, measured, new Set(changed.keys()));
  return {
    reference: measured,
    graph: scaled,
    statistics: new Map([...statistics].map(([value, one]) => [value, observed.get(value.name) ?? one])),
    greatest: greatestThresholds,
    limits,
    equalized: assignment.groups.flatMap(({ values }) =>
      values.flatMap(({ name }) => {
        const factors = changed.get(name);
        return factors ? [{ name, factors }] : [];
      }),
    ),
  };
}

function quantizedValues({ groups }: Assignment): Value[] {
  return groups.flatMap(({ values }) => values);
}

/** Tensors whose range a person chose, in the unit that they have now. */
function fixedRanges({ assignment, rules }: RefinedNetwork): Set<string> {
  const fixed = assignment.groups.filter(
    (group) =>
      rangeOverrideOf(group, rules.overrides)?.range !== undefined ||
      group.sources.some(({ name }) => rules.edits.has(name)),
  );
  return new Set(fixed.flatMap(({ values }) => values.map(({ name }) => name)));
}

/** Statistics of the named tensors, whose channels have other factors than when the samples were first seen. */
async function observe(
  { assignment, feeds, session, signal }: RefinedNetwork,
  graph: Graph,
  names: ReadonlySet<string>,
): Promise<Map<string, TensorStatistics>> {
  const byName = new Map([...graph.values()].map((value) => [value.name, value]));
  const groups = assignment.groups.map((group) => {
    const twins = (values: readonly Value[]): Value[] =>
      values.filter(({ name }) => names.has(name)).map(({ name }) => byName.get(name)!);
    return { ...group, values: twins(group.values), sources: twins(group.sources) };
  });
  const observed = new ObservedNetwork(graph, { ...assignment, groups }, session);
  try {
    for (const tensors of feeds) {
      signal?.throwIfAborted();
      await observed.run(Object.fromEntries(graph.inputs.map(({ name }, i) => [name, tensors[i]!])));
      observed.sample();
    }
    return new Map([...observed.read()].map(([value, one]) => [value.name, one]));
  } finally {
    await observed.close();
  }
}

/** A layer without a bias gets one of zeros, which a correction can move. */
function addMissingBiases(graph: Graph, { assignment }: RefinedNetwork): void {
  const layers = new Set([...assignment.linear].map(({ name }) => name));
  for (const node of graph.nodes) if (layers.has(node.name)) addMissingBias(graph, node);
}

function addMissingBias(graph: Graph, node: Node): void {
  const { linear } = operatorOf(node);
  if (node.inputs[2] || !linear!.acceptsBias) return;
  const channels = node.inputs[1]!.constant!.dims[linear!.outputChannelAxis(node)]!;
  const zeros = Constant.float32([channels], new Float32Array(channels));
  graph.setInput(node, 2, graph.addConstant(`${node.name}_bias`, zeros));
}
