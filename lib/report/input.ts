import type { TensorMap } from '../runtime/session';

/** One run's worth of inputs. */
export interface ComparisonInput {
  /** A Tensor for each input of the networks, by name. */
  readonly feeds: TensorMap;
  /** How reports call each row of the batch; default its number. With fewer names than rows the others only fill the batch and do not count. */
  readonly names?: readonly string[];
  /** The right class of each row, where it is known. */
  readonly labels?: readonly (number | undefined)[];
}

export type ComparisonInputs = Iterable<ComparisonInput> | AsyncIterable<ComparisonInput>;
