/** Which layers compute in INT8. */
export interface Scheme {
  /** The convolution nearest to the input; other tools often leave it in FP32. */
  readonly firstConv: 'int8' | 'fp32';
  /** Matrix products with constant weights. */
  readonly fullyConnected: 'int8' | 'fp32';
  /** Patterns of layers that stay in FP32: names, globs or `op:TYPE`, see {@link matcher}. */
  readonly exclude: readonly string[];
}
