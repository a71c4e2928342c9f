export type { Algorithm } from './calibration/algorithm';
export { Calibrator } from './calibration/calibrator';
export type { CalibratorOptions } from './calibration/options';
export { mergeTables } from './calibration/merge-tables';
export { readTable, writeTable, type CalibrationTable } from './calibration/table';
export type { Override } from './calibration/overrides';
export type { CalibrationSummary, TensorSummary } from './calibration/summary';
export { Calibr8Error, type ErrorCode } from './errors';
export type { DataType } from './graph/data-type';
export {
  InferenceSession,
  type Fetches,
  type Profile,
  type ProfiledStep,
  type TensorMap,
  type ValueMetadata,
} from './runtime/session';
export type { SessionOptions } from './runtime/options';
export type { Precision, ProgramInfo } from './runtime/program-info';
export { Tensor, type TensorData } from './tensor';
