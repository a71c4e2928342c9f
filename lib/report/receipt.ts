import { z } from 'zod';
import { bitCount } from '../calibration/overrides';

const tensorsSchema = z.array(z.object({ name: z.string(), bits: bitCount.optional() }));

const equalizedSchema = z.array(z.object({ name: z.string(), factors: z.array(z.number().positive()) }));

/** Begins the keys of the metadata in which calibrating records what it did. */
const PREFIX = 'calibr8.';

/** What a calibrated network says about its making, by the metadata's keys without the prefix; lists are parsed. */
export type Receipt = Readonly<Record<string, unknown>>;

/** The receipt in a model's metadata, or undefined where there is none. */
export function receiptIn(metadata: ReadonlyMap<string, string>): Receipt | undefined {
  const entries = [...metadata].filter(([key]) => key.startsWith(PREFIX));
  if (entries.length === 0) return undefined;
  return Object.fromEntries(entries.map(([key, value]) => [key.slice(PREFIX.length), parse(value)]));
}

/** The bits of each tensor whose levels use fewer than the stored ones, as far as the receipt says. */
export function recordedBits(metadata: ReadonlyMap<string, string>): ReadonlyMap<string, number> {
  const parsed = tensorsSchema.safeParse(receiptIn(metadata)?.['tensors']);
  const tensors = parsed.success ? parsed.data : [];
  return new Map(tensors.flatMap(({ name, bits }) => (bits === undefined ? [] : [[name, bits]])));
}

/** INT8's size over FP32's for each channel of the tensors that were equalized, as far as the receipt says. */
export function recordedFactors(metadata: ReadonlyMap<string, string>): ReadonlyMap<string, Float64Array> {
  const parsed = equalizedSchema.safeParse(receiptIn(metadata)?.['equalized']);
  const tensors = parsed.success ? parsed.data : [];
  return new Map(tensors.map(({ name, factors }) => [name, Float64Array.from(factors)]));
}

/** The options of `calibr8 calibrate` for ranges and refinement that a network was made with. */
export function triedFlags(receipt: Receipt | undefined): ReadonlySet<string> {
  const done = (receipt?.['refinement'] ?? {}) as Readonly<Record<string, unknown>>;
  return new Set([
    ...(typeof receipt?.['algorithm'] === 'string' ? [`--algo ${receipt['algorithm']}`] : []),
    ...(done['biasCorrection'] === true ? ['--bias-correction'] : []),
    ...(done['equalization'] === true ? ['--equalization'] : []),
    ...(done['rounding'] === 'learned' ? ['--rounding learned'] : []),
  ]);
}

function parse(value: string): unknown {
  if (!/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    // Plain text that begins with a bracket.
    return value;
  }
}
