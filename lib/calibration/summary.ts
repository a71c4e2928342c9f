/** How one tensor was quantized. */
export interface TensorSummary {
  name: string;
  dtype: 'uint8' | 'int8';
  /** |x| beyond it is clipped; with a zero point also what lies beyond every sampled value. */
  threshold: number;
  /** The algorithm that chose the threshold, of `auto` the one that it took. */
  observer: string;
  /** Real value of one step. */
  scale: number;
  /** The stored number that stands for 0. */
  zeroPoint: number;
  /** Bits that the levels use: 8 where no override says fewer. */
  bits: number;
  /** Share of the sampled values that lie beyond the threshold, percent. */
  clippedPercent: number;
  /** Signal to quantization noise over the samples, estimated from the histogram, decibels. */
  sqnrDb: number;
}

/** How weights and biases were improved beyond the choice of ranges. */
export interface RefinementSummary {
  biasCorrection: boolean;
  equalization: boolean;
  scaleSearch: boolean;
  rounding: 'nearest' | 'learned';
  /** Tensors whose channels were equalized. */
  equalizedTensors: number;
  /** Samples that were kept for it. */
  samples: number;
}

/** What {@link Calibrator.saveInt8Model} did. */
export interface CalibrationSummary {
  /** Path of the saved model. */
  output: string;
  algorithm: string;
  samples: number;
  tensors: TensorSummary[];
  /** Convolutions and matrix products that compute in INT8, and those that stay in FP32. */
  int8Nodes: number;
  fp32Nodes: number;
  /** Absent where nothing was refined. */
  refinement?: RefinementSummary;
  modelBytes: number;
  /** Since the calibrator was created. */
  seconds: number;
}
