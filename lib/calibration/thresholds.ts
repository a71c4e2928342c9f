import type { Value } from '../graph/graph';
import type { Assignment, QuantizedGroup } from '../quantization/assign';
import { symmetricGrid, type ActivationGrid } from '../quantization/parameters';
import { OBSERVERS } from './observers/registry';
import { rangeOverrideOf, type Int8Override } from './overrides';
import { mergeStatistics, type TensorStatistics } from './statistics';
import { signedGrid } from './zero-point';

/** What decides over the ranges of activations. */
export interface RangeRules {
  /** The observer where no override says otherwise. */
  readonly algo: string;
  readonly overrides: readonly Int8Override[];
  /** Thresholds that a person set in a calibration table, by tensor; they win. */
  readonly edits: ReadonlyMap<string, number>;
  /** Thresholds that must not be exceeded, by tensor: where saturation stands for an activation's limit. */
  readonly greatest?: ReadonlyMap<string, number>;
}

/** A threshold and what chose it: an observer's name, `range` for one that an override fixed, `table` for an edited one. */
export interface ChosenThreshold {
  readonly threshold: number;
  readonly observer: string;
}

/** A group's threshold and how its values are stored with it. */
export interface ChosenRange extends ChosenThreshold {
  readonly grid: ActivationGrid;
}

/** The range of each group: the threshold, and a zero point where it may have one and gains by it. */
export function chooseRanges(
  assignment: Assignment,
  statistics: ReadonlyMap<Value, TensorStatistics>,
  rules: RangeRules,
): ChosenRange[] {
  return chooseThresholds(assignment, statistics, rules).map((chosen, index) => {
    const { sources, dtype, mayShift, bits } = assignment.groups[index]!;
    if (!mayShift) return { ...chosen, grid: symmetricGrid(chosen.threshold, dtype, bits) };
    const together = sources.map((value) => statistics.get(value)!).reduce(mergeStatistics);
    return { ...chosen, grid: signedGrid(together, chosen.threshold, bits) };
  });
}

/**
 * One threshold a group: the greatest of its sources', so that none is clipped more than its own algorithm wants; where some were
 * edited, the greatest of those.
 */
function chooseThresholds(
  { groups }: Assignment,
  statistics: ReadonlyMap<Value, TensorStatistics>,
  rules: RangeRules,
): ChosenThreshold[] {
  return groups.map((group) => {
    const edits = group.sources.flatMap(({ name }) => rules.edits.get(name) ?? []);
    if (edits.length > 0) return { threshold: Math.max(...edits), observer: 'table' };
    const rule = ruleOf(group, rules);
    const chosen = group.sources
      .map((source) => chooseThreshold(statistics.get(source)!, group, rule))
      .reduce((a, b) => (b.threshold > a.threshold ? b : a));
    return { ...chosen, threshold: Math.min(chosen.threshold, greatestOf(group, rules)) };
  });
}

function greatestOf({ values }: QuantizedGroup, { greatest }: RangeRules): number {
  return Math.min(Infinity, ...values.flatMap(({ name }) => greatest?.get(name) ?? []));
}

/** An observer's name or a fixed threshold. */
export type RangeRule = string | number;

/** What chooses the ranges of a group's tensors, edits aside. */
export function ruleOf(group: QuantizedGroup, { algo, overrides }: RangeRules): RangeRule {
  const override = rangeOverrideOf(group, overrides);
  return override?.range ?? override?.observer ?? algo;
}

/** The threshold of one tensor by itself. */
export function chooseThreshold(
  statistics: TensorStatistics,
  { dtype, bits }: Pick<QuantizedGroup, 'dtype' | 'bits'>,
  rule: RangeRule,
): ChosenThreshold {
  if (typeof rule === 'number') return { threshold: rule, observer: 'range' };
  const { threshold, chosen = rule } = OBSERVERS.get(rule).range(statistics, dtype, bits);
  return { threshold, observer: chosen };
}
