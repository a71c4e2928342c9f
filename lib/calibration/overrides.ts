import { z } from 'zod';
import { Calibr8Error, expected } from '../errors';
import { operatorOf } from '../ops/registry';
import type { Value } from '../graph/graph';
import type { QuantizedGroup } from '../quantization/assign';
import { matcher, matching, type Named } from '../quantization/patterns';
import { algorithmName, type Algorithm } from './algorithm';

/**
 * How some layers or tensors differ from the rest. Each has one of `precision`, `observer` and `range`; of several that match,
 * the last one counts.
 */
export interface Override {
  /** The name of a node or tensor, a glob over names, or `op:TYPE`. A node stands for the tensors that it makes. */
  match: string;
  /** `fp32`: the layers compute in FP32, as with `exclude`. */
  precision?: 'fp32';
  /** The algorithm for the tensors' ranges. Tensors that share a scale are overridden together. */
  observer?: Algorithm;
  /** The tensors' range: |x| beyond it is clipped, in the tensor's own unit. */
  range?: number;
}

/** An override that was checked: the observer is a name in the registry. */
export type ResolvedOverride = Omit<Override, 'observer'> & { observer?: string };

/** One that says how ranges are chosen: with an observer or a range. */
export type RangeOverride = Omit<ResolvedOverride, 'precision'>;

const BITS =
  'weights and activations have 8 bits. Leave bits out; precision: "fp32" keeps a layer from being quantized';

const schema = z.strictObject({
  match: z.string().min(1),
  precision: z.literal('fp32').optional(),
  observer: z.unknown().optional(),
  range: z.number().positive().optional(),
  bits: z.undefined({ error: BITS }).optional(),
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
      `Expected { match, and precision, observer or range } for ${name} but ${path}: ${issue!.message}.`,
    );
  }
  const { match, precision, observer, range } = parsed.data;
  matcher(match, `${name}.match`);
  if ([precision, observer, range].filter((choice) => choice !== undefined).length !== 1)
    throw expected('exactly one of precision, observer and range', name, Object.keys(override as object));
  if (range !== undefined && !Number.isFinite(Math.fround(range)))
    throw expected('a number that fits a float32', `${name}.range`, range);
  return {
    match,
    ...(precision !== undefined && { precision }),
    ...(observer !== undefined && { observer: algorithmName(observer, `${name}.observer`) }),
    ...(range !== undefined && { range }),
  };
}

/** The patterns of layers that the overrides leave in FP32. */
export function excludedBy(overrides: readonly ResolvedOverride[]): string[] {
  return overrides.filter(({ precision }) => precision !== undefined).map(({ match }) => match);
}

/** Those that say how ranges are chosen. */
export function rangeOverrides(overrides: readonly ResolvedOverride[]): RangeOverride[] {
  return overrides.filter(({ precision }) => precision === undefined);
}

/** Throws INVALID_ARGUMENT where an override of ranges matches no quantized tensor, with the names that come nearest. */
export function checkOverrides(overrides: readonly RangeOverride[], groups: readonly QuantizedGroup[]): void {
  const names = groups.flatMap(namesOf);
  for (const { match } of overrides)
    matching(names, match, 'an override', 'a quantized tensor or what makes one');
}

/** The last override that says how the group's range is chosen. */
export function overrideOf(
  group: QuantizedGroup,
  overrides: readonly RangeOverride[],
): RangeOverride | undefined {
  const names = namesOf(group);
  return overrides.findLast(({ match }) => names.some(matcher(match, 'match')));
}

/** What patterns may call a group by: its tensors, and the nodes that make them. */
function namesOf({ values }: QuantizedGroup): Named[] {
  return values.flatMap((value) => [{ name: value.name, op: '' }, ...makersOf(value)]);
}

/** The node that makes a value, and, before element-wise functions, the layer that they are fused with. */
function makersOf({ producer }: Value): Named[] {
  if (!producer) return [];
  const input = operatorOf(producer).eltwise && producer.inputs[0];
  return [producer, ...(input ? makersOf(input) : [])];
}
