import type { DataType } from '../graph/data-type';
import type { Tensor } from '../tensor';

export interface InputMetadata {
  readonly name: string;
  readonly type: DataType;
  /** Dimensions; a name stands for one that is known only at run time. */
  readonly shape: readonly (number | string)[];
}

/** What evaluation needs of a network: InferenceSession and Calibrator both have it. */
export interface Runnable {
  readonly outputNames: readonly string[];
  readonly inputMetadata: readonly InputMetadata[];
  run(feeds: Record<string, Tensor>, fetches?: readonly string[]): Promise<Record<string, Tensor>>;
}
