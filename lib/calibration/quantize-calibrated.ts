import { version } from 'calibr8/package.json';
import type { Graph, Value } from '../graph/graph';
import { operatorOf } from '../ops/registry';
import { upgradeOpset } from '../passes/upgrade-opset';
import type { Assignment } from '../quantization/assign';
import { insertQuantization } from '../quantization/insert';
import { activationScale } from '../quantization/parameters';
import type { Scheme } from '../quantization/scheme';
import { OBSERVERS } from './observers/registry';
import { quantizationQuality } from './quality';
import { mergeStatistics, type TensorStatistics } from './statistics';
import type { CalibrationSummary, TensorSummary } from './summary';
import { verify } from '../graph/verify';

/** QDQ with per-channel scales came with this version of the default operator set. */
const QDQ_OPSET = 13;

export interface CalibratedNetwork {
  /** The copy of the canonical graph to edit, and what each value of the assignment became in it. */
  graph: Graph;
  values: ReadonlyMap<Value, Value>;
  assignment: Assignment;
  statistics: ReadonlyMap<Value, TensorStatistics>;
  algorithm: string;
  scheme: Scheme;
  samples: number;
  samplesHash: string;
  preprocessing: string | undefined;
}

/** Turns statistics into thresholds, writes the quantization and the receipt into the graph, and says what was decided. */
export function quantizeCalibrated(
  network: CalibratedNetwork,
): Pick<CalibrationSummary, 'algorithm' | 'samples' | 'tensors' | 'int8Nodes' | 'fp32Nodes'> {
  const { graph, assignment, algorithm, samples } = network;
  const { thresholds, tensors } = chooseThresholds(network);
  const linearNodes = [...graph.nodes].filter((node) => operatorOf(node).linear).length;
  insertQuantization(graph, translate(network), thresholds);
  upgradeOpset(graph, QDQ_OPSET);
  verify(graph);
  writeReceipt(network, tensors);
  return {
    algorithm,
    samples,
    tensors,
    int8Nodes: assignment.linear.size,
    fp32Nodes: linearNodes - assignment.linear.size,
  };
}

/** One threshold a group: the greatest of its sources', so that none is clipped more than its own algorithm wants. */
function chooseThresholds({ assignment, statistics, algorithm }: CalibratedNetwork): {
  thresholds: number[];
  tensors: TensorSummary[];
} {
  const observer = OBSERVERS.get(algorithm);
  const tensors: TensorSummary[] = [];
  const thresholds = assignment.groups.map(({ sources, values, dtype }) => {
    const collected = sources.map((value) => statistics.get(value)!);
    const { threshold, chosen = observer.name } = collected
      .map((one) => observer.range(one, dtype))
      .reduce((a, b) => (b.threshold > a.threshold ? b : a));
    const quality = quantizationQuality(collected.reduce(mergeStatistics), threshold, dtype);
    const scale = activationScale(threshold, dtype);
    for (const { name } of values)
      tensors.push({ name, dtype, threshold, observer: chosen, scale, ...quality });
    return threshold;
  });
  return { thresholds, tensors };
}

/** The assignment in terms of the copy. */
function translate({ graph, values, assignment }: CalibratedNetwork): Assignment {
  const byName = new Map([...graph.nodes].map((node) => [node.name, node]));
  const node = (original: { name: string }) => byName.get(original.name)!;
  const twin = (value: Value) => values.get(value)!;
  return {
    linear: new Set([...assignment.linear].map(node)),
    quantized: new Set([...assignment.quantized].map(node)),
    groups: assignment.groups.map((group) => ({
      ...group,
      values: group.values.map(twin),
      sources: group.sources.map(twin),
    })),
  };
}

function writeReceipt(network: CalibratedNetwork, tensors: readonly TensorSummary[]): void {
  const { graph, algorithm, scheme, samples, samplesHash, preprocessing } = network;
  const entries: Record<string, string> = {
    tool: 'calibr8',
    version,
    algorithm,
    samples: String(samples),
    samples_sha256: samplesHash,
    preprocessing: preprocessing ?? 'not recorded',
    first_conv: scheme.firstConv,
    fully_connected: scheme.fullyConnected,
    ...(scheme.exclude.length > 0 && { exclude: JSON.stringify(scheme.exclude) }),
    tensors: JSON.stringify(
      tensors.map(({ name, dtype, threshold, observer, clippedPercent, sqnrDb }) => ({
        name,
        dtype,
        threshold,
        observer,
        clippedPercent,
        sqnrDb,
      })),
    ),
  };
  for (const [key, value] of Object.entries(entries)) graph.metadata.set(`calibr8.${key}`, value);
}
