import { Calibr8Error, expected } from '../errors';
import { STORED_BITS } from '../quantization/parameters';
import { SampleSet } from './sample-set';
import { mergeStatistics, type TensorStatistics } from './statistics';
import { statisticsFromJson, statisticsToJson } from './statistics-json';
import { parseTable, TABLE_HEADER, type CalibrationTable } from './table';
import { chooseThreshold } from './thresholds';

type Tensor = CalibrationTable['tensors'][number];

/**
 * The table that one calibration over all samples of the tables would have given, exactly. A threshold that was edited in one of
 * them stays.
 * @param names how errors call the tables; default `table 1` and so on
 * @throws INVALID_ARGUMENT where the tables are not of one model and the same settings, where two hold the same samples, or
 * where one tensor was edited differently
 */
export function mergeTables(
  tables: readonly CalibrationTable[],
  names: readonly string[] = [],
): CalibrationTable {
  if (!Array.isArray(tables) || tables.length === 0)
    throw expected('at least one calibration table', 'the tables to merge', tables);
  const nameOf = (index: number): string => names[index] ?? `table ${index + 1}`;
  const parts = tables.map((table, index) => parseTable(table, nameOf(index)));
  const first = parts[0]!;
  parts.forEach((part, index) => requireAlike(first, part, nameOf(0), nameOf(index)));
  requireDifferentSamples(parts, nameOf);
  const merged = first.tensors.map(({ name }, index) => {
    const statistics = parts
      .map(({ statistics }) => statisticsOf(statistics[index]!))
      .reduce(mergeStatistics);
    const { dtype, bits = STORED_BITS, observer, calibrated } = first.tensors[index]!;
    const rule = observer === 'range' ? calibrated : observer;
    const chosen = chooseThreshold(statistics, { dtype, bits }, rule);
    const edited = editOf(parts.map((part) => part.tensors[index]!));
    return {
      tensor: tableTensor({ name, dtype, bits }, observer, chosen, edited),
      statistics: { ...statisticsToJson(statistics), name },
    };
  });
  const samples = parts
    .map((part) => SampleSet.from(part.samples.count, part.samples.sha256))
    .reduce((a, b) => a.plus(b));
  return {
    ...TABLE_HEADER,
    model: first.model,
    settings: first.settings,
    samples: { count: samples.count, sha256: samples.digest },
    tensors: merged.map(({ tensor }) => tensor),
    statistics: merged.map(({ statistics }) => statistics),
  };
}

/** How a table says what was chosen for a tensor. */
export function tableTensor(
  { name, dtype, bits }: { name: string; dtype: Tensor['dtype']; bits: number },
  rule: string,
  chosen: { threshold: number; observer: string },
  edited: number | undefined,
): Tensor {
  return {
    name,
    dtype,
    ...(bits < STORED_BITS && { bits }),
    threshold: edited ?? chosen.threshold,
    calibrated: chosen.threshold,
    observer: rule,
    ...(chosen.observer !== rule && { chosen: chosen.observer }),
  };
}

function requireAlike(
  first: CalibrationTable,
  other: CalibrationTable,
  firstName: string,
  otherName: string,
): void {
  const differ = (what: string, a: unknown, b: unknown): void => {
    const [wanted, received] = [JSON.stringify(a), JSON.stringify(b)];
    if (wanted === received) return;
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected tables of one model and the same settings but ${what} is ${wanted} in ${firstName} and ${received} in ${otherName}. ` +
        'Run every shard with the same model and options.',
    );
  };
  differ('model', first.model, other.model);
  for (const key of new Set([...Object.keys(first.settings), ...Object.keys(other.settings)])) {
    const setting = key as keyof CalibrationTable['settings'];
    differ(`settings.${key}`, first.settings[setting] ?? null, other.settings[setting] ?? null);
  }
  const identity = ({ name, dtype, bits, observer }: Tensor): unknown => ({ name, dtype, bits, observer });
  differ('the number of tensors', first.tensors.length, other.tensors.length);
  first.tensors.forEach((tensor, i) =>
    differ(`tensors[${i}]`, identity(tensor), identity(other.tensors[i]!)),
  );
}

function requireDifferentSamples(
  parts: readonly CalibrationTable[],
  nameOf: (index: number) => string,
): void {
  parts.forEach(({ samples }, index) => {
    const same = parts.findIndex((part) => part.samples.sha256 === samples.sha256);
    if (samples.count === 0 || same === index) return;
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected each table to hold other samples but ${nameOf(same)} and ${nameOf(index)} hold the same. Give each shard once.`,
    );
  });
}

function editOf(tensors: readonly Tensor[]): number | undefined {
  const edited = tensors.filter(({ threshold, calibrated }) => threshold !== calibrated);
  const other = edited.find(({ threshold }) => threshold !== edited[0]!.threshold);
  if (other) {
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected one edited threshold for tensor "${other.name}" but the tables hold ${edited[0]!.threshold} and ${other.threshold}. Agree on one, or edit the merged table.`,
    );
  }
  return edited[0]?.threshold;
}

function statisticsOf({ name, ...figures }: CalibrationTable['statistics'][number]): TensorStatistics {
  return statisticsFromJson(figures, name);
}
