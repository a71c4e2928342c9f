import { expected } from '../errors';

/** An option that takes one of a few words, the first by default. Throws INVALID_ARGUMENT naming it. */
export function choice<T extends string>(value: unknown, words: readonly T[], name: string): T {
  if (value === undefined) return words[0]!;
  const word = words.find((candidate) => candidate === value);
  if (word === undefined) throw expected(words.map((w) => `"${w}"`).join(' or '), name, value);
  return word;
}
