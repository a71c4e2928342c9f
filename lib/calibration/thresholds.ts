import type { Value } from '../graph/graph';
import type { Assignment, QuantizedGroup } from '../quantization/assign';
import { OBSERVERS } from './observers/registry';
import { overrideOf, type RangeOverride } from './overrides';
import type { TensorStatistics } from './statistics';

/** What decides over the ranges of activations. */
export interface RangeRules {
  /** The observer where no override says otherwise. */
  readonly algo: string;
  readonly overrides: readonly RangeOverride[];
}

/** A threshold and what chose it: an observer's name, or `range` for one that an override fixed. */
export interface ChosenThreshold {
  readonly threshold: number;
  readonly observer: string;
}

/** One threshold a group: the greatest of its sources', so that none is clipped more than its own algorithm wants. */
export function chooseThresholds(
  { groups }: Assignment,
  statistics: ReadonlyMap<Value, TensorStatistics>,
  rules: RangeRules,
): ChosenThreshold[] {
  return groups.map((group) => {
    const rule = ruleOf(group, rules);
    return group.sources
      .map((source) => chooseThreshold(statistics.get(source)!, group.dtype, rule))
      .reduce((a, b) => (b.threshold > a.threshold ? b : a));
  });
}

/** An observer's name or a fixed threshold. */
export type RangeRule = string | number;

export function ruleOf(group: QuantizedGroup, { algo, overrides }: RangeRules): RangeRule {
  const override = overrideOf(group, overrides);
  return override?.range ?? override?.observer ?? algo;
}

/** The threshold of one tensor by itself. */
export function chooseThreshold(
  statistics: TensorStatistics,
  dtype: QuantizedGroup['dtype'],
  rule: RangeRule,
): ChosenThreshold {
  if (typeof rule === 'number') return { threshold: rule, observer: 'range' };
  const { threshold, chosen = rule } = OBSERVERS.get(rule).range(statistics, dtype);
  return { threshold, observer: chosen };
}
