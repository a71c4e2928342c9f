/** Which layers compute in INT8. */
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
  /** Patterns of layers that stay in FP32: names, globs or `op:TYPE`, see {@link matcher}. */
  readonly exclude: readonly string[];
}
