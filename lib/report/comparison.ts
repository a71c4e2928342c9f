import type { Precision } from '../runtime/program-info';
import type { ProfiledStep } from '../runtime/session';
import type { OutputComparison } from './choices';
import type { Unmatched } from './correspondence';
import type { HistogramView, ObserverRange } from './histogram-view';
import type { Receipt } from './receipt';
import type { Grid } from './tensor-meter';
import type { LayerWeights } from './weights';

/** The node that computes a tensor, without the activations after it. */
export interface Layer {
  readonly name: string;
  readonly op: string;
  /** True for convolutions and matrix products, false for sums, pooling and the like. */
  readonly weighted: boolean;
  /** The value that it takes. */
  readonly input: string | undefined;
}

/** One quantized tensor: FP32's values against the INT8 network's. */
export interface TensorComparison {
  /** In the FP32 network, after its batch norms are folded. */
  readonly name: string;
  /** What computes it; undefined for an input of the network. */
  readonly layer: Layer | undefined;
  readonly grid: Grid;
  /** Least and greatest value that the grid represents. */
  readonly range: readonly [number, number];
  /** Values compared, over all samples. */
  readonly count: number;
  /** Signal to noise of the INT8 network's dequantized values, dB: what went wrong up to here. */
  readonly sqnrDb: number;
  /**
   * Signal to noise where the layer gets FP32's values, quantized: the error that it adds on its own. For an input of the
   * network the same as `sqnrDb`.
   */
  readonly ownSqnrDb: number;
  /** Share of FP32's values beyond `range`, percent. */
  readonly clippedPercent: number;
  /** Share of the levels, 256 unless an override has fewer bits, that the INT8 network's values took, percent. */
  readonly levelsUsedPercent: number;
  /** Share of the noise's power that is a constant shift of each channel, percent; undefined where there are too few values. */
  readonly systematicPercent: number | undefined;
  /** Greatest over median of the channels' greatest |x|. */
  readonly channelSpread: number;
  /** True where the INT8 network carries the channels at other sizes (cross-layer equalization); they are compared at FP32's. */
  readonly equalized: boolean;
  /** Of FP32's values. */
  readonly histogram: HistogramView;
  /** What each calibration algorithm would choose, by itself, from these samples. */
  readonly observers: readonly ObserverRange[];
  /** The same estimate for the range in the file; undefined where channels are rescaled. */
  readonly rangeSqnrDb: number | undefined;
}

/** How fast both networks are with the first input, a quick look and no benchmark. */
export interface SpeedFacts {
  readonly threads: number;
  /** Inputs in one run. */
  readonly batch: number;
  /** Median of a few runs, milliseconds. */
  readonly fp32Milliseconds: number;
  readonly int8Milliseconds: number;
  /** Steps of the INT8 network with their implementations and times. */
  readonly steps: readonly ProfiledStep[];
}

/** What {@link compareNetworks} finds. */
export interface Comparison {
  /** Inputs compared: images, where batches hold images. */
  readonly samples: number;
  /** In FP32's execution order, its inputs first. */
  readonly tensors: readonly TensorComparison[];
  /** Tensors that the INT8 network quantizes and that could not be compared. */
  readonly unmatched: readonly Unmatched[];
  readonly outputs: readonly OutputComparison[];
  /** In FP32's execution order. */
  readonly layers: readonly LayerWeights[];
  readonly precision: Precision;
  /** Share of the multiply-adds that the INT8 network computes in INT8, percent. */
  readonly int8Percent: number;
  readonly speed: SpeedFacts;
  /** What the INT8 file says about its making; undefined where another tool made it. */
  readonly receipt: Receipt | undefined;
  /** Duration of the comparison. */
  readonly seconds: number;
}
