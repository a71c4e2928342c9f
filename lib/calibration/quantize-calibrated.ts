import { version } from 'calibr8/package.json';
import type { Graph, Value } from '../graph/graph';
import { operatorOf } from '../ops/registry';
import { expandGates } from '../passes/expand-gates';
import { upgradeOpset } from '../passes/upgrade-opset';
import type { Assignment } from '../quantization/assign';
import { insertQuantization } from '../quantization/insert';
import { STORED_BITS } from '../quantization/parameters';
import type { Scheme } from '../quantization/scheme';
import { quantizationQuality } from './quality';
import { mergeStatistics, type TensorStatistics } from './statistics';
import type { CalibrationSummary, TensorSummary } from './summary';
import { chooseRanges, type ChosenRange, type RangeRules } from './thresholds';
import { verify } from '../graph/verify';

/** QDQ with per-channel scales came with this version of the default operator set. */
const QDQ_OPSET = 13;

export interface CalibratedNetwork {
  /** The copy of the canonical graph to edit, and what each value of the assignment became in it. */
  graph: Graph;
  values: ReadonlyMap<Value, Value>;
  assignment: Assignment;
  statistics: ReadonlyMap<Value, TensorStatistics>;
  rules: RangeRules;
  scheme: Scheme;
  samples: number;
  samplesHash: string;
  preprocessing: string | undefined;
}

export type QuantizationResult = Pick<
  CalibrationSummary,
  'algorithm' | 'samples' | 'tensors' | 'int8Nodes' | 'fp32Nodes' | 'refinement'
>;

/** Turns statistics into thresholds, writes the quantization and the receipt into the graph, and says what was decided. */
export function quantizeCalibrated(network: CalibratedNetwork): QuantizationResult {
  const { graph, assignment, rules, samples } = network;
  const chosen = chooseRanges(assignment, network.statistics, rules);
  const tensors = summarize(network, chosen);
  const linearNodes = [...graph.nodes].filter((node) => operatorOf(node).linear).length;
  const int8Nodes = assignment.linear.size + assignment.products.size;
  upgradeOpset(graph, QDQ_OPSET);
  insertQuantization(
    graph,
    translate(network),
    chosen.map(({ grid }) => grid),
    network.scheme.weightScales,
  );
  expandGates.run(graph);
  verify(graph);
  writeReceipt(network, tensors);
  return {
    algorithm: rules.algo,
    samples,
    tensors,
    int8Nodes,
    fp32Nodes: linearNodes - int8Nodes,
  };
}

function summarize(
  { assignment, statistics }: CalibratedNetwork,
  chosen: readonly ChosenRange[],
): TensorSummary[] {
  return assignment.groups.flatMap(({ sources, values }, index) => {
    const { threshold, observer, grid } = chosen[index]!;
    const together = sources.map((value) => statistics.get(value)!).reduce(mergeStatistics);
    const quality = quantizationQuality(together, grid);
    return values.map(({ name }) => ({ name, threshold, observer, ...grid, ...quality }));
  });
}

/** The assignment in terms of the copy. */
function translate({ graph, values, assignment }: CalibratedNetwork): Assignment {
  const byName = new Map([...graph.nodes].map((node) => [node.name, node]));
  const node = (original: { name: string }) => byName.get(original.name)!;
  const twin = (value: Value) => values.get(value)!;
  return {
    linear: new Set([...assignment.linear].map(node)),
    products: new Set([...assignment.products].map(node)),
    quantized: new Set([...assignment.quantized].map(node)),
    groups: assignment.groups.map((group) => ({
      ...group,
      values: group.values.map(twin),
      sources: group.sources.map(twin),
    })),
    weightBits: new Map([...assignment.weightBits].map(([layer, bits]) => [node(layer), bits])),
  };
}

function writeReceipt(network: CalibratedNetwork, tensors: readonly TensorSummary[]): void {
  const { graph, rules, scheme, samples, samplesHash, preprocessing } = network;
  const entries: Record<string, string> = {
    tool: 'calibr8',
    version,
    algorithm: rules.algo,
    samples: String(samples),
    samples_sha256: samplesHash,
    preprocessing: preprocessing ?? 'not recorded',
    first_conv: scheme.firstConv,
    fully_connected: scheme.fullyConnected,
    residuals: scheme.residuals,
    averages: scheme.averages,
    activations: scheme.activations,
    weight_scales: scheme.weightScales,
    ...(scheme.exclude.length > 0 && { exclude: JSON.stringify(scheme.exclude) }),
    ...(rules.overrides.length > 0 && { overrides: JSON.stringify(rules.overrides) }),
    tensors: JSON.stringify(
      tensors.map(({ name, dtype, zeroPoint, bits, threshold, observer, clippedPercent, sqnrDb }) => ({
        name,
        dtype,
        zeroPoint,
        ...(bits < STORED_BITS && { bits }),
        threshold,
        observer,
        clippedPercent,
        sqnrDb,
      })),
    ),
  };
  for (const [key, value] of Object.entries(entries)) graph.metadata.set(`calibr8.${key}`, value);
}
