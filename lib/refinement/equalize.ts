import { clone } from '../graph/clone';
import type { Graph, Node } from '../graph/graph';
import { operatorOf } from '../ops/registry';
import type { Assignment, QuantizedGroup } from '../quantization/assign';
import { findChannelSpaces, type ChannelSpace } from '../quantization/channel-spaces';
import { equalizingFactors, GREATEST_FACTOR, scaleChannels } from '../quantization/equalization';
import { nonFinite } from '../quantization/channels';
import { levelsOf } from '../quantization/parameters';
import { weightLevels } from '../quantization/weights';
import type { ResolvedOptions } from '../runtime/options';
import type { Tensor } from '../tensor';
import { sampleChannels, type ChannelSample } from './channel-samples';

export interface ScaledSpace {
  readonly space: ChannelSpace;
  readonly factors: Float64Array;
}

export interface EqualizationControl {
  /** Names of tensors whose range somebody has chosen, which stay as they are. */
  readonly fixed?: ReadonlySet<string>;
  readonly signal?: AbortSignal | undefined;
}

/** Powers of the half-way factors that are tried: 0 is none, 2 makes all ranges equal. */
const STRENGTHS = [0, 0.25, 0.5, 1, 1.5, 2];
/** Thresholds that are tried, as shares of the greatest value: the real one is chosen later, on every sample. */
const CLIPPING = [1, 0.85, 0.7, 0.55, 0.4];

/**
 * Decides which channel spaces to equalize and how far: what lowers the estimated error of the layers that read the space,
 * where ranges were measured on one half of the samples and the error on the other, both ways. A channel that few inputs
 * excite looks narrow until one does; only samples that did not set its range can show that.
 */
export async function chooseEqualization(
  graph: Graph,
  assignment: Assignment,
  feeds: readonly (readonly Tensor[])[],
  options: ResolvedOptions,
  { fixed = new Set(), signal }: EqualizationControl = {},
): Promise<ScaledSpace[]> {
  const groupOf = new Map(assignment.groups.flatMap((group) => group.values.map((value) => [value, group])));
  const spaces = findChannelSpaces(graph, assignment).flatMap((space) => {
    const tensors = space.values.filter((value) => groupOf.get(value)?.sources.includes(value));
    // One scale for a residual stream's many tensors fits none of them.
    return tensors.length === 1 && !fixed.has(tensors[0]!.name) ? [{ space, tensor: tensors[0]! }] : [];
  });
  if (spaces.length === 0 || feeds.length < 2) return [];
  const samples = await sampleChannels(
    graph,
    spaces.map(({ tensor }) => tensor),
    feeds,
    options,
    signal,
  );
  return spaces.flatMap(({ space, tensor }, index) => {
    const strength = bestStrength(space, samples[index]!, groupOf.get(tensor)!, assignment.weightBits);
    if (strength === 0) return [];
    return [{ space, factors: factorsFrom(samples[index]!, strength) }];
  });
}

function bestStrength(
  space: ChannelSpace,
  samples: readonly ChannelSample[],
  { dtype, bits }: QuantizedGroup,
  weightBits: Assignment['weightBits'],
): number {
  const halves = [0, 1].map((parity) => samples.filter((_, index) => index % 2 === parity));
  const readers = space.readers.map((node) => readerOf(node, space.channels, weightBits.get(node)));
  const costs = STRENGTHS.map((strength) =>
    [0, 1].reduce((sum, half) => {
      const [fitted, judged] = [halves[half]!, halves[1 - half]!];
      const factors = factorsFrom(fitted, strength);
      return sum + readingError(readers, factors, fitted, judged, levelsOf(dtype, bits));
    }, 0),
  );
  return STRENGTHS[costs.indexOf(Math.min(...costs))]!;
}

function factorsFrom(samples: readonly ChannelSample[], strength: number): Float64Array {
  const greatest = greatestOf(samples);
  const full = equalizingFactors(greatest.length, [greatest]);
  return full.map((factor) => Math.min(factor ** strength, GREATEST_FACTOR));
}

function greatestOf(samples: readonly ChannelSample[]): Float32Array {
  return samples[0]!.greatest.map((_, c) => Math.max(...samples.map(({ greatest }) => greatest[c]!)));
}

/** A layer's weights as its input channels see them. */
interface Reader {
  /** Shape [channels]: sum of squares of the weights that multiply the channel. */
  readonly power: Float64Array;
  /** For each input channel the rows (output channels) that read it, each with its greatest |weight| there. */
  readonly rows: readonly { readonly row: number; readonly greatest: number }[][];
  readonly rowCount: number;
  /** Weights of a row that multiply one channel. */
  readonly taps: number;
  /** Greatest magnitude of the quantized weights. */
  readonly levels: number;
}

function readerOf(node: Node, channels: number, bits: number | undefined): Reader {
  const { linear } = operatorOf(node);
  const { axis, groups } = linear!.inputChannels(node)!;
  const outputAxis = linear!.outputChannelAxis(node);
  const { name, constant } = node.inputs[1]!;
  const { dims } = constant!;
  const values = constant!.toFloat32();
  const broken = values.findIndex((weight) => !Number.isFinite(weight));
  if (broken >= 0) throw nonFinite(name, values[broken]!, broken);
  const stride = (at: number): number => dims.slice(at + 1).reduce((a, b) => a * b, 1);
  const [inputStride, outputStride] = [stride(axis), stride(outputAxis)];
  const rowCount = dims[outputAxis]!;
  const power = new Float64Array(channels);
  const greatest: Map<number, number>[] = Array.from({ length: channels }, () => new Map());
  values.forEach((weight, index) => {
    const row = Math.floor(index / outputStride) % rowCount;
    const within = Math.floor(index / inputStride) % dims[axis]!;
    const channel = Math.floor(row / (rowCount / groups)) * dims[axis]! + within;
    power[channel]! += weight * weight;
    const known = greatest[channel]!;
    known.set(row, Math.max(known.get(row) ?? 0, Math.abs(weight)));
  });
  return {
    power,
    rows: greatest.map((known) => [...known].map(([row, most]) => ({ row, greatest: most }))),
    rowCount,
    taps: dims.reduce((a, b) => a * b, 1) / (rowCount * dims[axis]!),
    levels: weightLevels(bits),
  };
}

/** Estimated error power at the readers' outputs: of the rounded and clipped activations, and of the rounded weights. */
function readingError(
  readers: readonly Reader[],
  factors: Float64Array,
  fitted: readonly ChannelSample[],
  judged: readonly ChannelSample[],
  levels: number,
): number {
  const greatest = greatestOf(fitted).reduce((most, value, c) => Math.max(most, value * factors[c]!), 0);
  if (greatest === 0) return 0;
  const errors = CLIPPING.map((share) => channelErrors(fitted, factors, greatest * share, levels));
  const weigh = (error: Float64Array): number =>
    readers.reduce((sum, { power }) => sum + error.reduce((all, e, c) => all + e * power[c]!, 0), 0);
  const costs = errors.map(weigh);
  const threshold = greatest * CLIPPING[costs.indexOf(Math.min(...costs))]!;
  const activations = weigh(channelErrors(judged, factors, threshold, levels));
  const energy = channelEnergy(judged);
  return readers.reduce((sum, reader) => sum + weightError(reader, factors, energy), activations);
}

// A local name: looking Math up in every step is slow where globals are intercepted, as in test sandboxes.
const { round } = Math;

/** Mean squared error of each channel in its own unit, before scaling. */
function channelErrors(
  samples: readonly ChannelSample[],
  factors: Float64Array,
  threshold: number,
  levels: number,
): Float64Array {
  const errors = new Float64Array(factors.length);
  const step = threshold / levels;
  for (const { elements, kept } of samples)
    for (let c = 0; c < factors.length; ++c) {
      const factor = factors[c]!;
      let sum = 0;
      for (let i = c * kept; i < (c + 1) * kept; ++i) {
        const x = elements[i]! * factor;
        const level = round(x / step);
        const error = x - (level > levels ? levels : level < -levels ? -levels : level) * step;
        sum += error * error;
      }
      errors[c]! += sum / (factor * factor * kept * samples.length);
    }
  return errors;
}

function channelEnergy(samples: readonly ChannelSample[]): Float64Array {
  const channels = samples[0]!.greatest.length;
  const energy = new Float64Array(channels);
  for (const { elements, kept } of samples)
    for (let c = 0; c < channels; ++c)
      for (let i = c * kept; i < (c + 1) * kept; ++i)
        energy[c]! += elements[i]! ** 2 / (kept * samples.length);
  return energy;
}

/** Rounding a row's weights to steps of its greatest one / levels, which lies in whatever channel it lies after scaling. */
function weightError(
  { rows, rowCount, taps, levels }: Reader,
  factors: Float64Array,
  energy: Float64Array,
): number {
  const greatest = new Float64Array(rowCount);
  const read = new Float64Array(rowCount);
  rows.forEach((list, c) => {
    for (const entry of list) {
      greatest[entry.row] = Math.max(greatest[entry.row]!, entry.greatest / factors[c]!);
      read[entry.row]! += energy[c]! * factors[c]! ** 2 * taps;
    }
  });
  return greatest.reduce((sum, most, row) => sum + ((most / levels) ** 2 / 12) * read[row]!, 0);
}

/** Copies of a network with the chosen spaces scaled. */
export interface EqualizedNetwork {
  /** What the FP32 network computes, with limits a channel where an activation had one. */
  readonly measured: Graph;
  /** The same without these limits, which the quantization of the results takes over: what is to be quantized. */
  readonly graph: Graph;
  /** The greatest threshold of each value that relies on it, by name. */
  readonly greatestThresholds: ReadonlyMap<string, number>;
  /** The limits in `measured` by the name of the rectified value that they bound. */
  readonly limits: ReadonlyMap<string, Float32Array>;
}

export function applyEqualization(graph: Graph, spaces: readonly ScaledSpace[]): EqualizedNetwork {
  const greatestThresholds = new Map<string, number>();
  const limits = new Map<string, Float32Array>();
  const scaled = (mode: 'exact' | 'saturation'): Graph => {
    const copy = clone(graph);
    const byName = new Map([...copy.graph.nodes].map((node) => [node.name, node]));
    const twin = (node: Node): Node => byName.get(node.name)!;
    for (const { space, factors } of spaces) {
      const local: ChannelSpace = {
        channels: space.channels,
        values: space.values.map((value) => copy.values.get(value)!),
        makers: space.makers.map(twin),
        readers: space.readers.map(twin),
        clips: space.clips.map(({ node, limit }) => ({ node: twin(node), limit })),
      };
      for (const { rectified, result, bounds } of scaleChannels(copy.graph, local, factors, mode)) {
        if (mode === 'exact') limits.set(rectified, bounds);
        greatestThresholds.set(result, Math.min(...bounds));
      }
    }
    return copy.graph;
  };
  return { measured: scaled('exact'), graph: scaled('saturation'), greatestThresholds, limits };
}
