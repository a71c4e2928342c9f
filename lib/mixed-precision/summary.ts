import type { CalibrationSummary } from '../calibration/summary';
import type { LayerCost } from './ranking';
import type { SpeedComparison } from './speed';
import type { Tolerance } from './tolerance';
import type { Measurement } from './validator';

/** What {@link quantize} did: the saved network, and how it got there. */
export interface QuantizeSummary extends CalibrationSummary {
  tolerance: Tolerance;
  /** Whether the saved network is within the tolerance on the validation samples. */
  met: boolean;
  /** Whether the search ended because of the time limit; then fewer layers might serve, or others meet the tolerance. */
  timedOut: boolean;
  /** How far the saved network is from FP32 on the validation samples. */
  result: Measurement;
  /** The same of the network with every layer in INT8. */
  allInt8: Measurement;
  /** Layers that were returned to FP32, first those from which most was gained. */
  returned: LayerCost[];
  /** Every layer whose cost was measured, in the same order; empty where all-INT8 was good enough. */
  ranking: LayerCost[];
  /** Share of the saved network's multiply-adds that are INT8, percent. */
  int8MultiplyAddsPercent: number;
  /** What returning layers costs in speed, as measured on this machine; undefined where none was returned. */
  speed: SpeedComparison | undefined;
}
