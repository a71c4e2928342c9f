import { expected } from '../errors';
import { matcher } from '../quantization/patterns';
import type { Scheme } from '../quantization/scheme';
import { choice } from './choice';
import { algorithmName, type Algorithm } from './algorithm';
import { bitsRules, excludedBy, int8Overrides, resolveOverrides, type Override } from './overrides';
import type { CalibrationTable } from './table';
import {
  REFINEMENT_NAMES,
  resolveRefinement,
  type RefinementOptions,
  type ResolvedRefinement,
} from './refinement-options';
import type { RangeRules } from './thresholds';

/** Options of {@link Calibrator.create}. */
export interface CalibratorOptions extends RefinementOptions {
  /** Path of the FP32 ONNX model, or its bytes. */
  model: string | Uint8Array | ArrayBuffer;
  /**
   * How ranges are chosen; default `max`. `auto` loses least: it also changes the default of `averages`.
   */
  algo?: Algorithm;
  /** Where saveInt8Model() writes. */
  output?: string;
  /** Inputs that will be fed; default all, and all that the outputs depend on must be there. */
  feedNames?: readonly string[];
  /** Outputs to keep; default all. The others are left out of the saved model too. */
  fetchNames?: readonly string[];
  /** Whether the convolution nearest to the input computes in INT8 (default) or stays FP32, as the original tool has it. */
  firstConv?: 'int8' | 'fp32';
  /** Whether matrix products compute in INT8 (default) or stay FP32, as the original tool has it. */
  fullyConnected?: 'int8' | 'fp32';
  /**
   * Whether a convolution that a residual is added to is rounded to INT8 before the sum (`rounded`) or not (`exact`, the default
   * and what the original tool's fused sums do): calibr8 adds in the same step either way, so `exact` is more accurate and faster
   * here. onnxruntime gives the same answers but computes that convolution in FP32 then: `rounded` is for files that it shall run
   * fast.
   */
  residuals?: 'rounded' | 'exact';
  /**
   * Whether the result of an average pooling keeps its input's scale, as the original tool has it (`shared`), or has one of its own
   * (`own`, the default with `algo: 'auto'` alone), which is more accurate and costs no time: averages use few of the levels that
   * their input needs.
   */
  averages?: 'shared' | 'own';
  /**
   * Whether activations that can be negative are int8 around zero, as the original tool has it (`symmetric`), or uint8 with a zero
   * point where that takes a decibel or more off their error (`asymmetric`): after a hard-swish, for instance, int8 leaves almost
   * half of its levels unused. Convolutions take some percent longer with a zero point, so nothing chooses it by itself.
   */
  activations?: 'symmetric' | 'asymmetric';
  /**
   * Whether the scale of each output channel's weights represents the greatest of them (`max`, the default) or makes the least
   * squared error over all (`mse`), for which it may clip a few.
   */
  weightScales?: 'max' | 'mse';
  /**
   * Layers that stay in FP32: names of nodes, globs over names (`*` within a part of a path, `**` over several: `/layer4/**`),
   * or operator types (`op:Gemm`). INVALID_ARGUMENT where one matches no layer that could compute in INT8.
   */
  exclude?: readonly string[];
  /**
   * Layers and tensors that differ from the rest: `{ match: '/layer4/**', observer: 'mse' }`, `{ match: 'conv1_out', range: 6 }`,
   * `{ match: 'op:Gemm', precision: 'fp32' }`, `{ match: 'op:Conv', bits: { weights: 7 } }`. INVALID_ARGUMENT where one
   * matches nothing.
   */
  overrides?: readonly Override[];
  /**
   * A calibration table, or its path: the INT8 model can be saved without any data, and what is sampled adds to it. Its settings
   * hold where these options leave them out. INVALID_ARGUMENT where it is damaged or of another model.
   */
  table?: string | CalibrationTable;
  /** How the samples were preprocessed, in words; recorded in the saved model. */
  preprocessing?: string;
  /** Threads of the FP32 runs; default OMP_NUM_THREADS or every processor that this process may use. */
  threads?: number;
}

export interface ResolvedCalibration {
  readonly rules: RangeRules;
  readonly scheme: Scheme;
  readonly refinement: ResolvedRefinement;
  readonly output: string | undefined;
  readonly preprocessing: string | undefined;
  readonly threads: number | undefined;
}

const NAMES = new Set<string>([
  ...REFINEMENT_NAMES,
  'model',
  'algo',
  'output',
  'feedNames',
  'fetchNames',
  'firstConv',
  'fullyConnected',
  'residuals',
  'averages',
  'activations',
  'weightScales',
  'exclude',
  'overrides',
  'table',
  'preprocessing',
  'threads',
]);

/** Checks what the caller gave. Throws INVALID_ARGUMENT naming the option. */
export function resolveCalibration(options: unknown): ResolvedCalibration {
  if (typeof options !== 'object' || options === null)
    throw expected('an object', 'the calibrator options', options);
  for (const name of Object.keys(options)) {
    if (!NAMES.has(name))
      throw expected(`one of ${[...NAMES].join(', ')}`, 'the name of a calibrator option', name);
  }
  const {
    algo = 'max',
    output,
    preprocessing,
    threads,
    firstConv,
    fullyConnected,
    residuals,
    averages,
    activations,
    weightScales,
    exclude = [],
    overrides = [],
    feedNames,
    fetchNames,
  } = options as Record<string, unknown>;
  const text = (value: unknown, name: string): string | undefined => {
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      throw expected('a non-empty string', name, value);
    return value as string | undefined;
  };
  if (
    threads !== undefined &&
    !(Number.isInteger(threads) && (threads as number) >= 1 && (threads as number) <= 1024)
  ) {
    throw expected('a whole number from 1 to 1024', 'threads', threads);
  }
  for (const [name, list] of Object.entries({ feedNames, fetchNames })) {
    if (list !== undefined && (!Array.isArray(list) || !list.every((entry) => typeof entry === 'string'))) {
      throw expected('an array of names', name, list);
    }
  }
  if (!Array.isArray(exclude)) throw expected('an array of names, globs and op:TYPE', 'exclude', exclude);
  for (const pattern of exclude) matcher(pattern, 'exclude');
  const resolved = resolveOverrides(overrides);
  const name = algorithmName(algo, 'algo');
  const best = name === 'auto';
  return {
    rules: { algo: name, overrides: int8Overrides(resolved), edits: new Map() },
    refinement: resolveRefinement(options as Record<string, unknown>, best),
    output: text(output, 'output'),
    preprocessing: text(preprocessing, 'preprocessing'),
    threads: threads as number | undefined,
    scheme: {
      firstConv: choice(firstConv, ['int8', 'fp32'], 'firstConv'),
      fullyConnected: choice(fullyConnected, ['int8', 'fp32'], 'fullyConnected'),
      residuals: choice(residuals, ['exact', 'rounded'], 'residuals'),
      averages: choice(averages, best ? ['own', 'shared'] : ['shared', 'own'], 'averages'),
      activations: choice(activations, ['symmetric', 'asymmetric'], 'activations'),
      weightScales: choice(weightScales, ['max', 'mse'], 'weightScales'),
      exclude: [...(exclude as string[]), ...excludedBy(resolved)],
      bits: bitsRules(resolved),
    },
  };
}
