import type { Constant } from '../graph/constant';
import type { DataType } from '../graph/data-type';
import type { QuantizationParameters } from '../graph/graph';
import type { Param, PlanPostOp } from '../ops/definition';

/** A network for one set of input shapes as steps over values; docs/plan.md is the contract with the addon. */
export interface Plan {
  readonly values: readonly PlanValue[];
  readonly steps: readonly PlanStep[];
  /** Indices into `values`, in the order of the graph's inputs and outputs. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** What values of kind `constant` refer to. */
  readonly constants: readonly Constant[];
}

export interface PlanValue {
  readonly name: string;
  readonly dtype: DataType;
  readonly kind: 'temporary' | 'input' | 'constant';
  readonly dims: readonly number[];
  readonly quantization: QuantizationParameters | undefined;
  /** Index into `constants`, or -1. */
  readonly constant: number;
}

export interface PlanStep {
  readonly kernel: string;
  readonly name: string;
  /** -1 is an absent optional source. */
  readonly sources: readonly number[];
  readonly destinations: readonly number[];
  readonly params: Readonly<Record<string, Param>>;
  readonly postOps: readonly PlanPostOp[];
}
