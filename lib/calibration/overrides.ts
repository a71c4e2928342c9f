import { z } from 'zod';
import { Calibr8Error, describe, expected } from '../errors';
import type { Assignment, QuantizedGroup } from '../quantization/assign';
import { namesOf, type BitsRule } from '../quantization/bits';
import { STORED_BITS } from '../quantization/parameters';
import { matcher, matching, type Named } from '../quantization/patterns';
import { algorithmName, type Algorithm } from './algorithm';

/**
 * How some layers or tensors differ from the rest. Each has one of `precision`, `observer` and `range`, or `bits`, alone or with
 * `observer` or `range`. Of several that match, the last one counts that says anything about the range, and the last one that
 * says anything about the bits.
 */
export interface Override {
  /**
   * The name of a node or tensor, a glob over names, or `op:TYPE`. A node stands for the tensors that it makes, and with `bits`
   * for its weights too.
   */
  match: string;
  /** `fp32`: the layers compute in FP32, as with `exclude`. */
  precision?: 'fp32';
  /** The algorithm for the tensors' ranges. Tensors that share a scale are overridden together. */
  observer?: Algorithm;
  /** The tensors' range: |x| beyond it is clipped, in the tensor's own unit. */
  range?: number;
  /**
   * How many bits the levels of the layers' weights and of the tensors use, 2 to 8; an object gives each its own or leaves one
   * out. Stored types stay int8 and uint8: with b bits, weights and signed tensors have 2^(b-1) - 1 levels to each side of zero,
   * tensors without negative values, or with a zero point, 2^b levels. Each bit less costs about 6 dB, and nothing gets smaller
   * or faster.
   *
   * `{ weights: 7 }` keeps sums of two u8 x s8 products within 16 bits, where processors without VNNI saturate them, as
   * `reduce_range` of other tools. Fewer tell how much precision a layer needs. Tensors get a Clip before QuantizeLinear, which
   * saturates only at its type's limits: onnxruntime gives the same answers but computes the layer before it in FP32.
   */
  bits?: number | { weights?: number; activations?: number };
}

/** An override that was checked: the observer is a name in the registry. */
export type ResolvedOverride = Omit<Override, 'observer'> & { observer?: string };

/** One for what computes in INT8: how ranges are chosen, and bits. */
export type Int8Override = Omit<ResolvedOverride, 'precision'>;

const LEAST_BITS = 2;

/** A number of bits that levels can use. */
export const bitCount = z.number().int().min(LEAST_BITS).max(STORED_BITS);

const bitsSchema = z.union([
  bitCount,
  z
    .strictObject({ weights: bitCount.optional(), activations: bitCount.optional() })
    .refine(({ weights, activations }) => (weights ?? activations) !== undefined),
]);

const schema = z.strictObject({
  match: z.string().min(1),
  precision: z.literal('fp32').optional(),
  observer: z.unknown().optional(),
  range: z.number().positive().optional(),
  bits: z.unknown().optional(),
});

/** Checks and normalizes overrides. Throws INVALID_ARGUMENT naming the override and its field. */
export function resolveOverrides(overrides: unknown): ResolvedOverride[] {
  if (!Array.isArray(overrides)) throw expected('an array of objects', 'overrides', overrides);
  return overrides.map((override, index) => resolveOverride(override, `overrides[${index}]`));
}

function resolveOverride(override: unknown, name: string): ResolvedOverride {
  const parsed = schema.safeParse(override);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = [name, ...issue!.path].join('.');
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected { match, and precision, observer, range or bits } for ${name} but ${path}: ${issue!.message}.`,
    );
  }
  const { match, precision, observer, range, bits } = parsed.data;
  matcher(match, `${name}.match`);
  const choices = [precision, observer, range].filter((choice) => choice !== undefined).length;
  if (bits === undefined ? choices !== 1 : choices > 1 || precision !== undefined)
    throw expected(
      'exactly one of precision, observer and range, or bits, alone or with observer or range,',
      name,
      Object.keys(override as object),
    );
  if (range !== undefined && !Number.isFinite(Math.fround(range)))
    throw expected('a number that fits a float32', `${name}.range`, range);
  return {
    match,
    ...(precision !== undefined && { precision }),
    ...(observer !== undefined && { observer: algorithmName(observer, `${name}.observer`) }),
    ...(range !== undefined && { range }),
    ...(bits !== undefined && { bits: resolveBits(bits, `${name}.bits`) }),
  };
}

function resolveBits(bits: unknown, name: string): NonNullable<Override['bits']> {
  const parsed = bitsSchema.safeParse(bits);
  if (parsed.success) return parsed.data as NonNullable<Override['bits']>;
  const received = typeof bits === 'object' && bits !== null ? JSON.stringify(bits) : describe(bits);
  throw new Calibr8Error(
    'INVALID_ARGUMENT',
    `Expected a whole number from ${LEAST_BITS} to ${STORED_BITS}, or { weights, activations } with one or both, for ${name} but received ${received}. ` +
      `Leave bits out for all ${STORED_BITS}; precision: "fp32" keeps a layer from being quantized.`,
  );
}

/** The patterns of layers that the overrides leave in FP32. */
export function excludedBy(overrides: readonly ResolvedOverride[]): string[] {
  return overrides.filter(({ precision }) => precision !== undefined).map(({ match }) => match);
}

/** Those for what computes in INT8. */
export function int8Overrides(overrides: readonly ResolvedOverride[]): Int8Override[] {
  return overrides.filter(({ precision }) => precision === undefined);
}

/** What the overrides say about bits. */
export function bitsRules(overrides: readonly ResolvedOverride[]): BitsRule[] {
  return overrides.flatMap(({ match, bits }) => {
    if (bits === undefined) return [];
    return [{ match, ...(typeof bits === 'number' ? { weights: bits, activations: bits } : bits) }];
  });
}

/** True where an override says how ranges are chosen. */
function choosesRange({ observer, range }: Int8Override): boolean {
  return (observer ?? range) !== undefined;
}

/** Throws INVALID_ARGUMENT where an override matches nothing that it could change, with the names that come nearest. */
export function checkOverrides(overrides: readonly Int8Override[], assignment: Assignment): void {
  const tensors = assignment.groups.flatMap(({ values }) => namesOf(values));
  const layers: readonly Named[] = [...assignment.linear];
  const requireMatch = (names: readonly Named[], match: string, what: string): void => {
    matching(names, match, 'an override', what);
  };
  for (const override of overrides.filter(choosesRange))
    requireMatch(tensors, override.match, 'a quantized tensor or what makes one');
  for (const { match, weights, activations } of bitsRules(overrides)) {
    if (activations === undefined) requireMatch(layers, match, 'an INT8 layer with constant weights');
    else if (weights === undefined) requireMatch(tensors, match, 'a quantized tensor or what makes one');
    else requireMatch([...layers, ...tensors], match, 'an INT8 layer or a quantized tensor');
  }
}

/** The last override that says how the group's range is chosen. */
export function rangeOverrideOf(
  { values }: QuantizedGroup,
  overrides: readonly Int8Override[],
): Int8Override | undefined {
  const names = namesOf(values);
  return overrides.findLast(
    (override) => choosesRange(override) && names.some(matcher(override.match, 'match')),
  );
}
