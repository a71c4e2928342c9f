import fc from 'fast-check';
import { bytes, count, facts, fixed, shorten, significant, table } from '../../lib/cli/format';

test('shorten keeps both ends and the width', () => {
  expect(shorten('abcdefghij', 7)).toBe('ab...ij');
  expect(shorten('abc', 7)).toBe('abc');
  fc.assert(
    fc.property(
      fc.string(),
      fc.integer({ min: 5, max: 40 }),
      (text, width) => shorten(text, width).length <= width,
    ),
  );
});

test('table aligns columns and shortens the flexible one to fit 80 columns', () => {
  const text = table(
    ['name', 'value'],
    [
      ['x'.repeat(200), '1.5'],
      ['y', '22.5'],
    ],
  );
  const lines = text.split('\n');
  expect(lines.map((line) => line.length)).toEqual([80, 80, 80]);
  expect(lines[0]).toMatch(/^name +value$/);
  expect(lines[2]).toMatch(/^y +22\.5$/);
});

test('facts puts values below each other', () => {
  expect(
    facts([
      ['a', '1'],
      ['long', '2'],
    ]),
  ).toBe('a     1\nlong  2');
});

test('numbers', () => {
  expect([
    fixed(1.005, 1),
    fixed(undefined, 1),
    fixed(NaN, 1),
    fixed(Infinity, 1),
    fixed(-Infinity, 1),
  ]).toEqual([...['1.0', '-', '-', 'inf', '-inf']]);
  expect([significant(123456), significant(0.000123456), significant(Infinity)]).toEqual([
    '123500',
    '0.0001235',
    'inf',
  ]);
  expect([bytes(0), bytes(1023), bytes(1536), bytes(3 * 2 ** 30)]).toEqual([
    '0 B',
    '1023 B',
    '1.5 KB',
    '3.0 GB',
  ]);
  expect([count(999), count(25_557_032), count(4.1e9)]).toEqual(['999', '25.56 M', '4.10 G']);
});
