import type { OutputComparison } from './choices';
import type { Comparison } from './comparison';
import { fixed, percent } from './numbers';

/** How near INT8's answers are to FP32's. */
export type Grade = 'excellent' | 'good' | 'fair' | 'poor';

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
/** How good, in words, with the figures. */
export function verdictOf(output: OutputComparison | undefined): { grade: Grade; verdict: string } {
  const grade = gradeOf(output);
  return { grade, verdict: `${GRADE_WORDS[grade]}. ${evidence(output)}` };
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

/**
 * Agreement decides; where so few samples leave a better grade open and the SQNR, which is steadier, gives that one, the SQNR
 * does.
 */
function gradeOf(output: OutputComparison | undefined): Grade {
  const bySqnr = GRADES.findIndex(([, , sqnrDb]) => (output?.sqnrDb ?? 0) >= sqnrDb);
  const agreement = output?.agreementPercent;
  if (!output || agreement === undefined) return GRADES[bySqnr]![0];
  const byAgreement = GRADES.findIndex(([, least]) => agreement >= least);
  const { equal, samples } = agreements(output);
  const open = GRADES.findIndex(([, least]) => confidence(equal, samples)[1] >= least);
  return GRADES[Math.min(byAgreement, Math.max(bySqnr, open))]![0];
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
