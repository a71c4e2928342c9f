import type { RefinementControl } from '../calibration/refinement-control';
import type { CalibratorOptions } from '../calibration/options';
import type { CalibrationSummary } from '../calibration/summary';
import type { CalibrationTable } from '../calibration/table';
import type { InputMetadata, Runnable } from '../evaluation/runnable';
import type { Graph } from '../graph/graph';
import type { QuantizeOptions } from '../mixed-precision/options';
import type { QuantizeSummary } from '../mixed-precision/summary';
import type { CompareOptions } from '../report/compare-networks';
import type { Comparison } from '../report/comparison';
import type { ReportContext } from '../report/html/page';
import type { AddonInfo, Peaks } from '../runtime/addon';
import type { Profile } from '../runtime/session';
import type { Tensor } from '../tensor';

/** What commands need of an InferenceSession. */
export interface CliSession extends Runnable {
  readonly outputMetadata: readonly InputMetadata[];
  readonly precision: string;
  profile(feeds: Record<string, Tensor>, runs?: number): Promise<Profile>;
  release(): Promise<void>;
}

/** What `calibrate` needs of a Calibrator. */
export interface CliCalibrator {
  readonly inputMetadata: readonly InputMetadata[];
  run(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>>;
  sampleData(): Promise<void>;
  saveInt8Model(output?: string, control?: RefinementControl): Promise<CalibrationSummary>;
  saveTable(path: string): Promise<CalibrationTable>;
  release(): Promise<void>;
}

/** The library as the commands use it; tests put fakes in its place. */
export interface Services {
  createSession(model: string, options: { streams: number; threadsPerStream: number }): Promise<CliSession>;
  createCalibrator(options: CalibratorOptions): Promise<CliCalibrator>;
  quantize(options: QuantizeOptions): Promise<QuantizeSummary>;
  compareNetworks(options: CompareOptions): Promise<Comparison>;
  writeReport(path: string, comparison: Comparison, context: ReportContext): Promise<void>;
  readGraph(model: string): Promise<Graph>;
  /** @throws ADDON_LOAD */
  addonInfo(): Promise<AddonInfo>;
  /** @throws ADDON_LOAD */
  measurePeaks(threads: number): Promise<Peaks>;
}
