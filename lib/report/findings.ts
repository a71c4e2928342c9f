import type { OutputComparison } from './choices';
import type { Comparison, TensorComparison } from './comparison';
import { fixed, percent } from './numbers';

/** How near INT8's answers are to FP32's. */
export type Grade = 'excellent' | 'good' | 'fair' | 'poor';

/** Something to do about a network's loss, with the evidence for it. */
export interface Suggestion {
  /** What was seen and what it means, a sentence. */
  readonly why: string;
  /** What to do, in words. */
  readonly remedy: string;
  /** The option of `calibr8 calibrate`, or the whole command, that does it, where there is one. */
  readonly flag?: string;
}

/** A layer that adds much error of its own. */
export interface WeakLayer {
  readonly tensor: TensorComparison;
  readonly suggestions: readonly Suggestion[];
}

/** What a person should know first. */
export interface Findings {
  readonly grade: Grade;
  /** How good, in one or two sentences. */
  readonly verdict: string;
  /** The three convolutions or matrix products with the greatest error of their own, the worst first. */
  readonly weakest: readonly WeakLayer[];
  /** What to try for the whole network, the most promising first. */
  readonly suggestions: readonly Suggestion[];
}

/** Least agreement in percent, and least SQNR in dB where nothing is chosen, for each grade. */
const GRADES: readonly (readonly [Grade, agreement: number, sqnrDb: number])[] = [
  ['excellent', 99, 30],
  ['good', 97, 20],
  ['fair', 92, 12],
  ['poor', -Infinity, -Infinity],
];
const GRADE_WORDS: Readonly<Record<Grade, string>> = {
  excellent: 'Excellent: INT8 answers as FP32 does',
  good: 'Good: INT8 seldom answers otherwise than FP32',
  fair: 'Fair: INT8 loses some of what FP32 knows',
  poor: 'Poor: INT8 often answers otherwise than FP32',
};
/** What can be done, and the option that does it where `calibr8 calibrate` has one. */
const REMEDIES = {
  observer: (name: string) => ({ remedy: 'calibrate with', flag: `--algo ${name}` }),
  exclude: (layer: string) => ({ remedy: 'leave it in FP32 with', flag: `--exclude ${shellQuoted(layer)}` }),
  mixedPrecision: { remedy: 'let it search with', flag: 'calibr8 quantize --min-agreement 98' },
  biasCorrection: { remedy: 'bias correction removes that' },
  equalization: { remedy: 'cross-layer equalization evens them out' },
  learnedRounding: { remedy: 'learned rounding of the weights helps there' },
} as const;
const WEAKEST = 3;
/** Another algorithm is worth a try from this much less error on. */
const WORTHWHILE_DB = 1.5;
/** Error beyond the rounding of the result, from which on weights and inputs are to blame. */
const BEYOND_RANGE_DB = 4;
const SYSTEMATIC_PERCENT = 20;
const WIDE_SPREAD = 8;

/** Draws conclusions from a comparison, by fixed rules; every sentence names the figures it rests on. */
export function findingsOf(comparison: Comparison): Findings {
  const output = mainOutput(comparison);
  const grade = gradeOf(output);
  const weakest = [...comparison.tensors]
    .filter(({ layer }) => layer?.weighted)
    .sort((a, b) => a.ownSqnrDb - b.ownSqnrDb)
    .slice(0, WEAKEST)
    .map((tensor) => ({ tensor, suggestions: suggestionsFor(tensor, comparison) }));
  return {
    grade,
    verdict: `${GRADE_WORDS[grade]}. ${evidence(output)}`,
    weakest,
    suggestions: overall(comparison, grade, weakest),
  };
}

/** The output that choices are made from, else the first one. */
export function mainOutput({ outputs }: Comparison): OutputComparison | undefined {
  return (
    outputs.find(({ top1 }) => top1) ??
    outputs.find(({ agreementPercent }) => agreementPercent !== undefined) ??
    outputs[0]
  );
}

/**
 * The range in which a share lies with 95 % confidence, percent: Wilson's score interval, which also holds for few samples and
 * for shares near 100 %.
 */
export function confidence(hits: number, samples: number): readonly [number, number] {
  const z = 1.96;
  const share = hits / samples;
  const center = share + z ** 2 / (2 * samples);
  const half = z * Math.sqrt((share * (1 - share)) / samples + z ** 2 / (4 * samples ** 2));
  const scale = 100 / (1 + z ** 2 / samples);
  return [Math.max(0, (center - half) * scale), Math.min(100, (center + half) * scale)];
}

/** Inputs on which both networks choose alike, of how many. */
export function agreements({ pairs }: OutputComparison): { equal: number; samples: number } {
  const sum = (list: typeof pairs): number => list.reduce((total, { count }) => total + count, 0);
  return { equal: sum(pairs.filter(({ fp32, int8 }) => fp32 === int8)), samples: sum(pairs) };
}

function gradeOf(output: OutputComparison | undefined): Grade {
  const value = output?.agreementPercent;
  return GRADES.find(([, agreement, sqnrDb]) =>
    value === undefined ? (output?.sqnrDb ?? 0) >= sqnrDb : value >= agreement,
  )![0];
}

function evidence(output: OutputComparison | undefined): string {
  if (!output) return 'No output could be compared.';
  const sqnr = `output "${output.name}" has an SQNR of ${fixed(output.sqnrDb, 1)} dB`;
  if (output.agreementPercent === undefined) return `Its ${sqnr}.`;
  const { equal, samples } = agreements(output);
  const [low, high] = confidence(equal, samples);
  const top1 =
    output.top1 &&
    ` Top-1 is ${percent(output.top1.int8)} against FP32's ${percent(output.top1.fp32)} on these samples.`;
  return (
    `Both choose the same class for ${equal} of ${samples} samples (${percent(output.agreementPercent, 1)}; ` +
    `with 95 % confidence ${fixed(low, 1)} to ${percent(high, 1)} on more such samples), and ${sqnr}.${top1 ?? ''}`
  );
}

function suggestionsFor(tensor: TensorComparison, comparison: Comparison): Suggestion[] {
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
  if (found.length === 0)
    found.push({
      why: 'nothing about its range stands out: rounding to 8 bits itself costs this much',
      ...REMEDIES.exclude(layer!.name),
    });
  return found;
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
function overall(comparison: Comparison, grade: Grade, weakest: readonly WeakLayer[]): Suggestion[] {
  const suggestions: Suggestion[] = [];
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
  const [first] = weakest;
  if (first)
    suggestions.push({
      why: `layer ${first.tensor.layer!.name} adds the most error; in FP32 it adds none, and is slower`,
      ...REMEDIES.exclude(first.tensor.layer!.name),
    });
  if (grade === 'fair' || grade === 'poor')
    suggestions.push({
      why: 'which layers to leave in FP32, and how few suffice, can be measured',
      ...REMEDIES.mixedPrecision,
    });
  return suggestions;
}

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
