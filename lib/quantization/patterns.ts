import leven from 'leven';
import picomatch from 'picomatch';
import { Calibr8Error, describe, expected } from '../errors';

/** What a pattern can match. */
export interface Named {
  readonly name: string;
  /** The operator type of a node. */
  readonly op: string;
}

const OPERATOR = 'op:';
/** Names shown where a pattern matches none. */
const SHOWN = 5;

/**
 * Reads a pattern: a name; a glob over names, where `*` stays between two slashes and `**` crosses them; or `op:` and an
 * operator type or a glob over those, as in `op:Gemm`. A name that holds glob characters matches itself.
 * @throws INVALID_ARGUMENT where it is no text
 */
export function matcher(pattern: unknown, option: string): (candidate: Named) => boolean {
  if (typeof pattern !== 'string' || pattern === '' || pattern === OPERATOR)
    throw expected('a name, a glob or op:TYPE', option, pattern);
  const byOperator = pattern.startsWith(OPERATOR);
  const text = byOperator ? pattern.slice(OPERATOR.length) : pattern;
  const glob = picomatch(text, { dot: true, nonegate: true });
  return byOperator ? ({ op }) => glob(op) : ({ name }) => name === pattern || glob(name);
}

/**
 * The candidates that a pattern matches, at least one.
 * @param what the candidates in words, for the error
 * @throws INVALID_ARGUMENT where it matches none, with the names that come nearest
 */
export function matching<T extends Named>(
  candidates: Iterable<T>,
  pattern: string,
  option: string,
  what: string,
): T[] {
  const all = [...candidates];
  const found = all.filter(matcher(pattern, option));
  if (found.length > 0) return found;
  const known = pattern.startsWith(OPERATOR)
    ? all.map(({ op }) => `${OPERATOR}${op}`)
    : all.map(({ name }) => name);
  throw new Calibr8Error(
    'INVALID_ARGUMENT',
    `Expected ${option} to match ${what} but ${describe(pattern)} matches none.${suggestion(pattern, known)}`,
  );
}

function suggestion(pattern: string, known: readonly string[]): string {
  const nearest = [...new Set(known)]
    .map((name) => ({ name, distance: leven(name, pattern) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, SHOWN)
    .map(({ name }) => describe(name));
  return nearest.length === 0 ? '' : ` There are, nearest first: ${nearest.join(', ')}.`;
}
