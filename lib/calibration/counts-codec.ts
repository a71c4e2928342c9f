import { Calibr8Error } from '../errors';

/**
 * Histogram counts as compact text: base64 of base-128 numbers, least significant 7 bits first, high bit set on all but the
 * last byte. A number above 0 is one bin's count; a 0 is followed by how many empty bins it stands for. Trailing empty
 * bins are left out, so an unused side is the empty string. Equal counts give equal text on every host.
 */
export function encodeCounts(counts: Float64Array): string {
  let end = counts.length;
  while (end > 0 && counts[end - 1] === 0) --end;
  const bytes: number[] = [];
  for (let i = 0; i < end;) {
    if (counts[i]! > 0) {
      push(bytes, counts[i++]!);
      continue;
    }
    const start = i;
    while (counts[i] === 0) ++i;
    push(bytes, 0);
    push(bytes, i - start);
  }
  return Buffer.from(bytes).toString('base64');
}

/** Reads what {@link encodeCounts} wrote into `bins` bins. Throws INVALID_ARGUMENT naming `name` where the text is damaged. */
export function decodeCounts(text: string, bins: number, name: string): Float64Array {
  const counts = new Float64Array(bins);
  const bytes = Buffer.from(text, 'base64');
  const damaged = (what: string): Calibr8Error =>
    new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected base64 text of ${bins} histogram counts for ${name} but ${what}. Write the table again: this text is not meant for editing.`,
    );
  // Buffer skips what is not base64; only text that comes back the same is whole.
  if (bytes.toString('base64') !== text) throw damaged('it is not base64');
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw damaged('it ends inside a number');
      value += (byte & 127) * unit;
      if (value > Number.MAX_SAFE_INTEGER) throw damaged('a count is beyond 2^53');
      if (byte < 128) return value;
    }
  };
  for (let bin = 0; at < bytes.length;) {
    const value = next();
    const run = value === 0 ? next() : 1;
    if (run === 0 || bin + run > bins) throw damaged('it holds more bins');
    if (value > 0) counts[bin] = value;
    bin += run;
  }
  return counts;
}

/** Arithmetic instead of shifts: counts go beyond 32 bits. */
function push(bytes: number[], value: number): void {
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  bytes.push(value);
}
