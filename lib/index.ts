export type { Algorithm } from './calibration/algorithm';
export { Calibrator } from './calibration/calibrator';
export type { CalibratorOptions } from './calibration/options';
export type { RefinementControl } from './calibration/refinement-control';
export type { RefinementOptions } from './calibration/refinement-options';
export { mergeTables } from './calibration/merge-tables';
export { readTable, writeTable, type CalibrationTable } from './calibration/table';
export type { Override } from './calibration/overrides';
export type { CalibrationSummary, RefinementSummary, TensorSummary } from './calibration/summary';
export { Calibr8Error, type ErrorCode } from './errors';
export type { DataType } from './graph/data-type';
export { quantize } from './mixed-precision/quantize';
export type { QuantizeOptions, QuantizeProgress, ValidationSample } from './mixed-precision/options';
export type { LayerCost } from './mixed-precision/ranking';
export type { SpeedComparison } from './mixed-precision/speed';
export type { QuantizeSummary } from './mixed-precision/summary';
export type { Tolerance } from './mixed-precision/tolerance';
export type { Measurement } from './mixed-precision/validator';
export { compareNetworks, type CompareOptions } from './report/compare-networks';
export type { Comparison, Layer, SpeedFacts, TensorComparison } from './report/comparison';
export { renderReport, type ReportContext } from './report/html/page';
export type { ComparisonInput, ComparisonInputs } from './report/input';
export {
  InferenceSession,
  type Fetches,
  type Profile,
  type ProfiledStep,
  type TensorMap,
  type ValueMetadata,
} from './runtime/session';
export type { PerformanceHint, SessionOptions } from './runtime/options';
export type { Precision, ProgramInfo } from './runtime/program-info';
export { Tensor, type TensorData } from './tensor';
