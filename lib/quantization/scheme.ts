import type { BitsRule } from './bits';

/** Which layers compute in INT8, and how. */
export interface Scheme {
  /** The convolution nearest to the input; other tools often leave it in FP32. */
  readonly firstConv: 'int8' | 'fp32';
  /** Matrix products, with constant weights or of two computed tensors. */
  readonly fullyConnected: 'int8' | 'fp32';
  /**
   * Whether the layer that a residual sum is fused into is rounded before the sum, as onnxruntime needs it to compute that layer
   * in INT8, or only once, after it, as the fused computation makes possible.
   */
  readonly residuals: 'rounded' | 'exact';
  /**
   * Whether the result of an average pooling keeps its input's scale, as in the original tool, or has its own: averages are much
   * smaller than the greatest of what they average, so that with their input's scale they use few of the levels.
   */
  readonly averages: 'shared' | 'own';
  /**
   * Whether signed activations are int8 with zero point 0, or uint8 with a zero point where that takes enough off the error: of
   * an activation that reaches further to one side, as after a hard-swish, int8 uses few of the levels.
   */
  readonly activations: 'symmetric' | 'asymmetric';
  /** Whether a channel's scale represents its greatest weight, or makes the least squared error over all of them. */
  readonly weightScales: 'max' | 'mse';
  /** Patterns of layers that stay in FP32: names, globs or `op:TYPE`, see {@link matcher}. */
  readonly exclude: readonly string[];
  /** Layers and tensors whose levels use fewer than the stored bits. */
  readonly bits: readonly BitsRule[];
}
