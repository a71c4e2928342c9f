import type { Services } from './services';

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

/** How the samples of a calibrated model were preprocessed, where its receipt says so. */
export async function recordedPreprocessing(services: Services, model: string): Promise<string | undefined> {
  const text = receiptIn((await services.readGraph(model)).metadata)?.['preprocessing'];
  // A preprocessing in JSON was parsed with the rest.
  if (typeof text === 'object' && text !== null) return JSON.stringify(text);
  return typeof text === 'string' && text !== 'not recorded' ? text : undefined;
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
