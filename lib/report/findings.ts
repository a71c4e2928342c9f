import type { Comparison, TensorComparison } from './comparison';
import { overall, suggestionsFor, type Suggestion } from './suggestions';
import { mainOutput, verdictOf, type Grade } from './verdict';

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

const WEAKEST = 3;

/** Draws conclusions from a comparison, by fixed rules; every sentence names the figures it rests on. */
export function findingsOf(comparison: Comparison): Findings {
  const weakest = [...comparison.tensors]
    .filter(({ layer }) => layer?.weighted)
    .sort((a, b) => a.ownSqnrDb - b.ownSqnrDb)
    .slice(0, WEAKEST)
    .map((tensor) => ({ tensor, suggestions: suggestionsFor(tensor, comparison) }));
  const { grade, verdict } = verdictOf(mainOutput(comparison));
  return { grade, verdict, weakest, suggestions: overall(comparison, grade, weakest[0]?.tensor) };
}
