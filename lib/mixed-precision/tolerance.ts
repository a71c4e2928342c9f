import { Calibr8Error, expected } from '../errors';
import type { Measurement } from './validator';

/** What quantizing may cost, measured on the validation samples. At least one is given; all that are given must hold. */
export interface Tolerance {
  /** Points of top-1 accuracy, 0 to 100; needs labels. */
  maxDrop?: number | undefined;
  /** Percent of the samples with the same first choice as FP32, above 0 to 100. */
  minAgreement?: number | undefined;
  /** Signal to quantization noise of the outputs, dB. */
  minSqnr?: number | undefined;
}

/** Checks what the caller gave. Throws INVALID_ARGUMENT where nothing is tolerated, or what no network can reach. */
export function resolveTolerance({ maxDrop, minAgreement, minSqnr }: Tolerance): Tolerance {
  if (maxDrop === undefined && minAgreement === undefined && minSqnr === undefined) {
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      'Expected maxDrop, minAgreement or minSqnr but received none of them. Say what quantizing may cost; without a limit use a Calibrator.',
    );
  }
  if (maxDrop !== undefined && !(typeof maxDrop === 'number' && maxDrop >= 0 && maxDrop <= 100))
    throw expected('points of accuracy from 0 to 100', 'maxDrop', maxDrop);
  if (
    minAgreement !== undefined &&
    !(typeof minAgreement === 'number' && minAgreement > 0 && minAgreement <= 100)
  )
    throw expected('a percentage above 0 and up to 100', 'minAgreement', minAgreement);
  if (minSqnr !== undefined && !Number.isFinite(minSqnr))
    throw expected('a number of dB', 'minSqnr', minSqnr);
  return {
    ...(maxDrop !== undefined && { maxDrop }),
    ...(minAgreement !== undefined && { minAgreement }),
    ...(minSqnr !== undefined && { minSqnr }),
  };
}

/** A difference of two percentages is rounded; a drop of exactly what is tolerated must hold. */
const ROUNDING = 1e-9;

/** Whether a network that measured so is good enough. */
export function holds({ maxDrop, minAgreement, minSqnr }: Tolerance, measured: Measurement): boolean {
  return (
    (maxDrop === undefined || (measured.drop !== undefined && measured.drop <= maxDrop + ROUNDING)) &&
    (minAgreement === undefined || measured.agreement >= minAgreement - ROUNDING) &&
    (minSqnr === undefined || measured.sqnrDb >= minSqnr)
  );
}
