import { Calibr8Error } from '../errors';
import type { QuantizedGroup } from '../quantization/assign';
import type { CalibratorOptions } from './options';
import { SampleSet } from './sample-set';
import type { TensorStatistics } from './statistics';
import { statisticsFromJson } from './statistics-json';
import { parseTable, readTable, type CalibrationTable } from './table';

/** A calibration table as a calibrator goes on from it. Tensors by their names. */
export interface LoadedTable {
  readonly model: string;
  /** Its settings, as options. */
  readonly options: Partial<CalibratorOptions>;
  readonly samples: SampleSet;
  readonly statistics: ReadonlyMap<string, TensorStatistics>;
  /** Thresholds that were edited. */
  readonly edits: ReadonlyMap<string, number>;
}

/** Reads `options.table`, a path or a table. Throws FILE_ACCESS, and INVALID_ARGUMENT naming the field that is wrong. */
export async function loadTable(table: string | CalibrationTable): Promise<LoadedTable> {
  const { model, settings, samples, tensors, statistics } =
    typeof table === 'string' ? await readTable(table) : parseTable(table, 'the option table');
  const { outputs, ...options } = settings;
  return {
    model,
    options: { ...options, fetchNames: outputs } as Partial<CalibratorOptions>,
    samples: SampleSet.from(samples.count, samples.sha256),
    statistics: new Map(
      statistics.map(({ name, ...figures }) => [name, statisticsFromJson(figures, name)] as const),
    ),
    edits: new Map(
      tensors
        .filter(({ threshold, calibrated }) => threshold !== calibrated)
        .map(({ name, threshold }) => [name, threshold]),
    ),
  };
}

/** Throws INVALID_ARGUMENT where a table is not that of the model, or lacks a tensor that is to be quantized. */
export function requireFitting(table: LoadedTable, model: string, groups: readonly QuantizedGroup[]): void {
  if (table.model !== model) {
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected the model that the calibration table was made from, SHA-256 ${table.model}, but received another, ${model}. Give that model, or calibrate this one with data.`,
    );
  }
  const missing = groups.flatMap(({ sources }) => sources).find(({ name }) => !table.statistics.has(name));
  if (missing) {
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected statistics of tensor "${missing.name}" in the calibration table but it holds none: the table was made with other options. Leave out firstConv, fullyConnected, residuals, averages, exclude and fetchNames, or calibrate with data.`,
    );
  }
}
