import Table from 'cli-table3';
import { fixed } from '../report/numbers';

export { fixed, percent, significant } from '../report/numbers';

export const WIDTH = 80;
export const GUTTER = '  ';

/** Text of at most `width` characters, the middle left out: the ends of tensor names tell them apart. */
export function shorten(text: string, width: number): string {
  if (text.length <= width) return text;
  const head = Math.ceil((width - 3) / 2);
  return `${text.slice(0, head)}...${text.slice(text.length - (width - 3 - head))}`;
}

export interface TableOptions {
  /** Column that is shortened where the table would be wider than 80 characters; default 0. */
  flexible?: number;
  /** Columns that are aligned to the left; default the first. */
  left?: readonly number[];
}

/** A table without borders, at most 80 characters wide. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { flexible = 0, left = [0] }: TableOptions = {},
): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  const others = widths.reduce((sum, width, column) => sum + (column === flexible ? 0 : width), 0);
  const room = Math.max(8, WIDTH - others - GUTTER.length * (head.length - 1));
  const instance = new Table({
    head: [...head],
    chars: {
      ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
      ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
      ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: GUTTER },
    },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: head.map((_, column) => (left.includes(column) ? 'left' : 'right')),
  });
  for (const row of rows)
    instance.push(row.map((cell, column) => (column === flexible ? shorten(cell, room) : cell)));
  return instance
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Lines `label  value`, the values below each other. */
export function facts(entries: readonly (readonly [string, string])[]): string {
  const width = Math.max(...entries.map(([label]) => label.length));
  return entries.map(([label, value]) => `${label.padEnd(width)}${GUTTER}${value}`).join('\n');
}

/** Bytes in units of 1024, as file managers show them. */
export function bytes(count: number): string {
  const units = ['B', 'KB', 'MB', 'GB'];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) {
    count /= 1024;
    ++unit;
  }
  return `${fixed(count, unit === 0 ? 0 : 1)} ${units[unit]}`;
}

/** A count in thousands, millions or billions. */
export function count(value: number): string {
  for (const [unit, size] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const)
    if (value >= size) return `${(value / size).toFixed(2)} ${unit}`;
  return String(value);
}

/** Breaks a text into lines of at most 80 characters; the first begins with `lead`, the others below it. */
export function wrap(text: string, lead: string): string {
  const lines: string[] = [];
  let line = lead;
  for (const word of text.split(' ')) {
    if (line.length > lead.length && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = ' '.repeat(lead.length);
    }
    line += line.length === lead.length ? word : ` ${word}`;
  }
  return [...lines, line].join('\n');
}
