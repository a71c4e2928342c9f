import type { Value } from '../graph/graph';
import type { Assignment } from '../quantization/assign';
import type { Scheme } from '../quantization/scheme';
import { tableTensor } from './merge-tables';
import type { SampleSet } from './sample-set';
import type { TensorStatistics } from './statistics';
import { statisticsToJson } from './statistics-json';
import { TABLE_HEADER, type CalibrationTable } from './table';
import { chooseThreshold, ruleOf, type RangeRules } from './thresholds';

/** What a table is made of. */
export interface Calibrated {
  readonly model: string;
  readonly assignment: Assignment;
  readonly statistics: ReadonlyMap<Value, TensorStatistics>;
  readonly rules: RangeRules;
  readonly scheme: Scheme;
  readonly outputs: readonly string[];
  readonly samples: SampleSet;
  readonly preprocessing: string | undefined;
}

/** The table of a calibration: an entry for every tensor that was measured. */
export function makeTable(calibrated: Calibrated): CalibrationTable {
  const { model, assignment, statistics, rules, scheme, samples, preprocessing } = calibrated;
  const measured = assignment.groups.flatMap((group) => {
    const rule = ruleOf(group, rules);
    return group.sources.map((value) => {
      const collected = statistics.get(value)!;
      const { name } = value;
      const chosen = chooseThreshold(collected, group, rule);
      return {
        tensor: tableTensor(
          { name, dtype: group.dtype, bits: group.bits },
          typeof rule === 'number' ? 'range' : rule,
          chosen,
          rules.edits.get(name),
        ),
        statistics: { ...statisticsToJson(collected), name },
      };
    });
  });
  return {
    ...TABLE_HEADER,
    model,
    settings: {
      algo: rules.algo,
      overrides: rules.overrides.map((override) => ({ ...override })),
      firstConv: scheme.firstConv,
      fullyConnected: scheme.fullyConnected,
      residuals: scheme.residuals,
      averages: scheme.averages,
      activations: scheme.activations,
      weightScales: scheme.weightScales,
      exclude: [...scheme.exclude],
      outputs: [...calibrated.outputs],
      ...(preprocessing !== undefined && { preprocessing }),
    },
    samples: { count: samples.count, sha256: samples.digest },
    tensors: measured.map(({ tensor }) => tensor),
    statistics: measured.map((entry) => entry.statistics),
  };
}
