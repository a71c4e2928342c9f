import type { Comparison, TensorComparison } from './comparison';
import { fixed, percent } from './numbers';
import { triedFlags } from './receipt';
import type { Grade } from './verdict';

/** Something to do about a network's loss, with the evidence for it. */
export interface Suggestion {
  /** What was seen and what it means, a sentence. */
  readonly why: string;
  /** What to do, in words. */
  readonly remedy: string;
  /** The option of `calibr8 calibrate`, or the whole command, that does it, where there is one. */
  readonly flag?: string;
}

/** What can be done, and the option that does it where `calibr8 calibrate` has one. */
const REMEDIES = {
  observer: (name: string) => ({ remedy: 'calibrate with', flag: `--algo ${name}` }),
  exclude: (layer: string) => ({ remedy: 'leave it in FP32 with', flag: `--exclude ${shellQuoted(layer)}` }),
  mixedPrecision: { remedy: 'let it search with', flag: 'calibr8 quantize --min-agreement 98' },
  biasCorrection: { remedy: 'correct the biases with', flag: '--bias-correction' },
  preprocessing: {
    remedy: 'prepare these inputs as those that calibrated, for images with',
    flag: '--preprocess',
  },
  equalization: { remedy: 'even them out with', flag: '--equalization' },
  learnedRounding: { remedy: 'round them together with', flag: '--rounding learned' },
} as const;
/** Another algorithm is worth a try from this much less error on. */
const WORTHWHILE_DB = 1.5;
/** Error beyond the rounding of the result, from which on weights and inputs are to blame. */
const BEYOND_RANGE_DB = 4;
const SYSTEMATIC_PERCENT = 20;
/** More of an input than any algorithm clips. */
const OTHER_INPUTS_PERCENT = 5;
const WIDE_SPREAD = 8;

/** What to try about one layer. */
export function suggestionsFor(tensor: TensorComparison, comparison: Comparison): Suggestion[] {
  const { rangeSqnrDb, ownSqnrDb, systematicPercent, channelSpread, layer, clippedPercent } = tensor;
  const found: Suggestion[] = [];
  const best = bestObserver(tensor);
  if (rangeSqnrDb !== undefined && best && best.sqnrDb - rangeSqnrDb >= WORTHWHILE_DB) {
    const range =
      clippedPercent > 0.01
        ? `its range clips ${percent(clippedPercent)} of the values`
        : `its range is wider than these values need (${percent(tensor.levelsUsedPercent, 0)} of the levels are used)`;
    found.push({
      why: `${range}; ${best.observer} would quantize them ${fixed(best.sqnrDb - rangeSqnrDb, 1)} dB better`,
      ...REMEDIES.observer(best.observer),
    });
  }
  const weights = comparison.layers.find(({ name }) => name === layer?.name)?.sqnrDb;
  if (rangeSqnrDb !== undefined && weights !== undefined && rangeSqnrDb - ownSqnrDb >= BEYOND_RANGE_DB)
    found.push(
      weights - ownSqnrDb < BEYOND_RANGE_DB
        ? {
            why: `its weights (${fixed(weights, 1)} dB) cost more than its range does`,
            ...REMEDIES.learnedRounding,
          }
        : inputSuggestion(tensor, comparison),
    );
  if (systematicPercent !== undefined && systematicPercent >= SYSTEMATIC_PERCENT)
    found.push({
      why: `${percent(systematicPercent, 0)} of its noise is a constant shift of the channels`,
      ...REMEDIES.biasCorrection,
    });
  if (channelSpread >= WIDE_SPREAD)
    found.push({
      why: `its widest channel reaches ${fixed(channelSpread, 0)} times as far as the median one, and all share one scale`,
      ...REMEDIES.equalization,
    });
  const untried = withoutTried(found, comparison);
  if (untried.length > 0) return untried;
  const why =
    found[0]?.why ?? 'nothing about its range stands out: rounding to 8 bits itself costs this much';
  return [{ why, ...REMEDIES.exclude(layer!.name) }];
}

/** Without those that the network was made with: to advise them again would help nobody. */
function withoutTried(suggestions: readonly Suggestion[], { receipt }: Comparison): Suggestion[] {
  const tried = triedFlags(receipt);
  // Auto has tried every other algorithm, on more than these samples.
  const done = (flag: string): boolean =>
    tried.has(flag) || (tried.has('--algo auto') && flag.startsWith('--algo '));
  return suggestions.filter(({ flag }) => flag === undefined || !done(flag));
}

/** Where neither the range nor the weights explain the error, it is made of what rounding the input costs. */
function inputSuggestion({ layer }: TensorComparison, { tensors }: Comparison): Suggestion {
  const input = tensors.find(({ name }) => name === layer?.input);
  const why = 'the rounding of its input costs more than its range and weights do';
  if (!input || input.channelSpread < WIDE_SPREAD / 2) return { why, ...REMEDIES.exclude(layer!.name) };
  return {
    why: `${why}: in "${input.name}" the widest channel reaches ${fixed(input.channelSpread, 1)} times as far as the median one`,
    ...REMEDIES.equalization,
  };
}

/** What the layers have in common, then returning the weakest one to FP32, which always helps and costs speed. */
export function overall(
  comparison: Comparison,
  grade: Grade,
  weakest: TensorComparison | undefined,
): Suggestion[] {
  const suggestions: Suggestion[] = comparison.tensors.flatMap(({ name, layer, clippedPercent }) =>
    layer || clippedPercent < OTHER_INPUTS_PERCENT
      ? []
      : {
          why: `${percent(clippedPercent)} of input "${name}" lies outside of the range that the file has for it`,
          ...REMEDIES.preprocessing,
        },
  );
  const best = bestForAll(comparison.tensors);
  if (best && best.medianGain >= WORTHWHILE_DB / 2)
    suggestions.push({
      why: `the ranges that ${best.observer} would choose quantize the median tensor ${fixed(best.medianGain, 1)} dB better than the file's`,
      ...REMEDIES.observer(best.observer),
    });
  const shifts = comparison.tensors.flatMap(({ systematicPercent }) => systematicPercent ?? []);
  const highest = shifts.sort((a, b) => b - a).slice(0, Math.ceil(shifts.length / 4));
  if (highest.length > 0 && highest.at(-1)! >= SYSTEMATIC_PERCENT)
    suggestions.push({
      why: `in a quarter of the tensors at least ${percent(highest.at(-1), 0)} of the noise is a constant shift of the channels`,
      ...REMEDIES.biasCorrection,
    });
  const spreads = comparison.tensors.map(({ channelSpread }) => channelSpread);
  if (median(spreads) >= WIDE_SPREAD / 2)
    suggestions.push({
      why: `in the median tensor the widest channel reaches ${fixed(median(spreads), 1)} times as far as the median one`,
      ...REMEDIES.equalization,
    });
  const free = weakest && suggestionsFor(weakest, comparison).find(({ flag }) => costsNoSpeed(flag));
  if (free && suggestions.every(({ flag }) => flag !== free.flag))
    suggestions.push({ ...free, why: `layer ${weakest.layer!.name} adds the most error: ${free.why}` });
  if (weakest)
    suggestions.push({
      why: `layer ${weakest.layer!.name} adds the most error; in FP32 it adds none, and is slower`,
      ...REMEDIES.exclude(weakest.layer!.name),
    });
  if (grade === 'fair' || grade === 'poor')
    suggestions.push({
      why: 'which layers to leave in FP32, and how few suffice, can be measured',
      ...REMEDIES.mixedPrecision,
    });
  return withoutTried(suggestions, comparison);
}

const costsNoSpeed = (flag: string | undefined): boolean => flag?.startsWith('--exclude') === false;

function bestObserver({ observers }: TensorComparison): TensorComparison['observers'][number] | undefined {
  return [...observers]
    .filter(({ sqnrDb }) => Number.isFinite(sqnrDb))
    .sort((a, b) => b.sqnrDb - a.sqnrDb)[0];
}

/** The algorithm with the greatest gain over the file's ranges, averaged over the tensors. */
function bestForAll(
  tensors: readonly TensorComparison[],
): { observer: string; medianGain: number } | undefined {
  const measured = tensors.filter(({ rangeSqnrDb }) => Number.isFinite(rangeSqnrDb));
  const [best] = (measured[0]?.observers ?? [])
    .map(({ observer }, index) => {
      const gains = measured
        .map(({ observers, rangeSqnrDb }) => observers[index]!.sqnrDb - rangeSqnrDb!)
        .filter(Number.isFinite);
      return { observer, gains, total: gains.reduce((a, b) => a + b, 0) };
    })
    .sort((a, b) => b.total - a.total);
  return best && best.gains.length > 0
    ? { observer: best.observer, medianGain: median(best.gains) }
    : undefined;
}

/** As a shell takes it; names of nodes may hold anything. */
function shellQuoted(text: string): string {
  return /^[\w./:@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
