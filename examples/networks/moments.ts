/** What is known of a feature map before any image has been seen: the mean and variance of each channel. */
export interface Moments {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

/** Moments of one value in every channel. */
export function uniformMoments(channels: number, mean: number, variance: number): Moments {
  return {
    mean: new Float64Array(channels).fill(mean),
    variance: new Float64Array(channels).fill(variance),
  };
}

/**
 * Moments after a convolution, its inputs taken as independent. Random weights make this right on average, which is
 * all that batch norms need to keep activations of order one.
 *
 * `meanShare` counts a part of each squared mean as variance. The means are estimates, and a batch norm that subtracts
 * an estimate keeps its error; divided by the plain deviation, the errors would grow from layer to layer.
 */
export function convolved(
  input: Moments,
  weights: Float32Array,
  channels: number,
  groups: number,
  meanShare: number,
): Moments {
  const output = uniformMoments(channels, 0, 0);
  const perGroup = input.mean.length / groups;
  const taps = weights.length / (channels * perGroup);
  for (let o = 0, at = 0; o < channels; o++) {
    const first = Math.floor((o * groups) / channels) * perGroup;
    let mean = 0;
    let variance = 0;
    for (let i = first; i < first + perGroup; i++) {
      let sum = 0;
      let squares = 0;
      for (let tap = 0; tap < taps; tap++, at++) {
        const weight = weights[at] as number;
        sum += weight;
        squares += weight * weight;
      }
      mean += sum * (input.mean[i] as number);
      variance += squares * ((input.variance[i] as number) + meanShare * (input.mean[i] as number) ** 2);
    }
    output.mean[o] = mean;
    output.variance[o] = variance;
  }
  return output;
}

/** Moments after a ReLU of normally distributed values. */
export function rectified(input: Moments): Moments {
  const output = uniformMoments(input.mean.length, 0, 0);
  input.mean.forEach((mean, i) => {
    const variance = input.variance[i] as number;
    const deviation = Math.sqrt(variance);
    const density = deviation * Math.exp((-mean * mean) / (2 * variance)) * 0.3989422804014327;
    const above = normalBelow(mean / deviation);
    const rectifiedMean = mean * above + density;
    const square = (mean * mean + variance) * above + mean * density;
    output.mean[i] = rectifiedMean;
    output.variance[i] = Math.max(square - rectifiedMean * rectifiedMean, 1e-6);
  });
  return output;
}

/** Moments of a sum of independent feature maps. */
export function added(a: Moments, b: Moments): Moments {
  return {
    mean: a.mean.map((mean, i) => mean + (b.mean[i] as number)),
    variance: a.variance.map((variance, i) => variance + (b.variance[i] as number)),
  };
}

/** Moments after a maximum over a few neighbors; a rule of thumb between equal and independent neighbors. */
export function maximum(input: Moments): Moments {
  return {
    mean: input.mean.map((mean, i) => mean + 1.4 * Math.sqrt(input.variance[i] as number)),
    variance: input.variance.map((variance) => 0.8 * variance),
  };
}

/** The share of a standard normal distribution below x, by its logistic approximation (off by at most 0.0002). */
function normalBelow(x: number): number {
  return 1 / (1 + Math.exp(-1.5976 * x - 0.07056 * x * x * x));
}
