import { expected } from '../errors';
import { choice } from './choice';

/** What is improved beyond the choice of ranges, on samples that the calibrator keeps for it. */
export interface RefinementOptions {
  /**
   * Corrects the bias of every INT8 layer, in the order of execution, so that its output has FP32's mean on the samples;
   * default false. Costs no speed.
   */
  biasCorrection?: boolean;
  /**
   * Brings the ranges of a layer's output channels nearer to each other and undoes it in the next layer's weights, where that lowers
   * the error on samples that did not decide it; default false. Costs no speed.
   */
  equalization?: boolean;
  /**
   * Gives output channels the weight scales with the least squared error of the layer's output on the samples, where that takes a
   * decibel or more off the layer's error, also on samples that did not choose them. Default true where `algo` is `auto`, biases are
   * corrected or channels equalized, and rounding is not learned, which takes the same errors away; else false. Costs no speed.
   */
  scaleSearch?: boolean;
  /**
   * How weights are rounded: each to the `nearest` level (default), or together, so that their errors cancel on the samples
   * (`learned`, AdaRound's objective; layers with up to 16,384 weights an output). Costs no speed.
   */
  rounding?: 'nearest' | 'learned';
}

export type ResolvedRefinement = Required<RefinementOptions>;

/** Samples that are kept for refinement at most. */
export const KEPT_SAMPLES = 128;

export const REFINEMENT_NAMES: readonly (keyof RefinementOptions)[] = [
  'biasCorrection',
  'equalization',
  'scaleSearch',
  'rounding',
];

/**
 * Checks what the caller gave. Throws INVALID_ARGUMENT naming the option.
 * @param best whether the algorithm takes what errs least, so that refining includes the scale search
 */
export function resolveRefinement(
  options: Readonly<Record<string, unknown>>,
  best: boolean,
): ResolvedRefinement {
  const flag = (name: 'biasCorrection' | 'equalization' | 'scaleSearch', otherwise: boolean): boolean => {
    const value = options[name] ?? otherwise;
    if (typeof value !== 'boolean') throw expected('true or false', name, value);
    return value;
  };
  const biasCorrection = flag('biasCorrection', false);
  const equalization = flag('equalization', false);
  const rounding = choice(options['rounding'], ['nearest', 'learned'], 'rounding');
  const searches = best && (biasCorrection || equalization) && rounding === 'nearest';
  return { biasCorrection, equalization, rounding, scaleSearch: flag('scaleSearch', searches) };
}

/** Whether anything is to be refined, for which samples must be kept. */
export function refines({
  biasCorrection,
  equalization,
  scaleSearch,
  rounding,
}: ResolvedRefinement): boolean {
  return biasCorrection || equalization || scaleSearch || rounding === 'learned';
}
