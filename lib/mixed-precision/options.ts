import { expected } from '../errors';
import type { CalibratorOptions } from '../calibration/options';
import type { TensorMap } from '../runtime/session';
import { resolveTolerance, type Tolerance } from './tolerance';

/** Inputs to validate on: one run. */
export interface ValidationSample {
  /** A Tensor for each input, by name. */
  feeds: Readonly<TensorMap>;
  /** The right class of each row that counts, as the index of the network's output. */
  labels?: readonly number[] | undefined;
  /** Rows of the batch that count, the first ones; default as many as there are labels, else all. */
  rows?: number | undefined;
}

/** Where quantize() is. */
export interface QuantizeProgress {
  stage: 'calibrating' | 'validating' | 'ranking' | 'searching' | 'timing';
  /** Samples, layers or trials that are done. */
  done: number;
  /** How many there will be; undefined where nobody knows. */
  total?: number | undefined;
}

/** Options of {@link quantize}: what {@link Calibrator.create} takes, the samples and what quantizing may cost. */
export interface QuantizeOptions extends CalibratorOptions, Tolerance {
  /** Where the network is written, atomically, once all is done. */
  output: string;
  /** Feeds to calibrate on, about 50. */
  calibration: Iterable<Readonly<TensorMap>> | AsyncIterable<Readonly<TensorMap>>;
  /** Other samples than those of the calibration. Gone through several times: an array, or what makes a new iterator each time. */
  validation: Iterable<ValidationSample> | AsyncIterable<ValidationSample>;
  /**
   * Percent of the multiply-adds that stay INT8 at least; default 0. Layers that are too large for that are not returned: more of
   * the small ones are.
   */
  minInt8?: number | undefined;
  /** The output with the scores of the classes; needed where there are several outputs. */
  logits?: string | undefined;
  /**
   * Seconds after which the search ends with the best network so far; default 600. Calibrating, validating FP32 and all-INT8, and
   * at the end timing and saving the result are done in any case.
   */
  timeLimit?: number | undefined;
  onProgress?: ((progress: QuantizeProgress) => void) | undefined;
  /** Ends everything by throwing the signal's reason; nothing is written then. */
  signal?: AbortSignal | undefined;
}

export interface ResolvedQuantize {
  readonly tolerance: Tolerance;
  readonly calibrator: CalibratorOptions;
  readonly output: string;
  readonly calibration: QuantizeOptions['calibration'];
  readonly validation: QuantizeOptions['validation'];
  readonly minInt8: number;
  readonly logits: string | undefined;
  readonly timeLimit: number;
  readonly onProgress: (progress: QuantizeProgress) => void;
  readonly signal: AbortSignal | undefined;
}

/** Timers hold no more milliseconds. */
const LONGEST = 2147483;

/** Checks what the caller gave, apart from the calibrator's own options. Throws INVALID_ARGUMENT naming the option. */
export function resolveQuantize(options: unknown): ResolvedQuantize {
  if (typeof options !== 'object' || options === null) throw expected('an object', 'the options', options);
  const { maxDrop, minAgreement, minSqnr, ...others } = options as QuantizeOptions;
  const {
    minInt8 = 0,
    calibration,
    validation,
    logits,
    timeLimit = 600,
    onProgress,
    signal,
    ...calibrator
  } = others;
  const tolerance = resolveTolerance({ maxDrop, minAgreement, minSqnr });
  if (typeof calibrator.output !== 'string' || calibrator.output === '')
    throw expected('a path', 'output', calibrator.output);
  requireSources(calibration, validation);
  if (!(minInt8 >= 0 && minInt8 <= 100)) throw expected('a percentage from 0 to 100', 'minInt8', minInt8);
  if (logits !== undefined && typeof logits !== 'string')
    throw expected('the name of an output', 'logits', logits);
  if (!(timeLimit > 0 && timeLimit <= LONGEST))
    throw expected(`seconds above 0 and up to ${LONGEST}`, 'timeLimit', timeLimit);
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw expected('a function', 'onProgress', onProgress);
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw expected('an AbortSignal', 'signal', signal);
  return {
    tolerance,
    calibrator,
    output: calibrator.output,
    calibration,
    validation,
    minInt8,
    logits,
    timeLimit,
    onProgress: onProgress ?? (() => undefined),
    signal,
  };
}

function requireSources(calibration: unknown, validation: unknown): void {
  if (!isIterable(calibration)) throw expected('an iterable of feeds', 'calibration', calibration);
  if (!isIterable(validation)) throw expected('an iterable of { feeds, labels }', 'validation', validation);
  if (isIterator(validation)) {
    throw expected(
      'an array, or an object that makes a new iterator each time (a generator ends after the first)',
      'validation',
      validation,
    );
  }
}

function isIterable(value: unknown): value is object {
  return (
    typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value)
  );
}

function isIterator(value: object): boolean {
  return 'next' in value && typeof value.next === 'function';
}
