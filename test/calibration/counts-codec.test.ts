import fc from 'fast-check';
import { decodeCounts, encodeCounts } from '../../lib/calibration/counts-codec';

const count = fc.oneof(fc.constant(0), fc.nat(300), fc.maxSafeNat());

test('counts come back equal', () => {
  fc.assert(
    fc.property(fc.array(count, { minLength: 1, maxLength: 300 }), (list) => {
      const counts = Float64Array.from(list);
      expect(decodeCounts(encodeCounts(counts), counts.length, 'x')).toEqual(counts);
    }),
  );
});

test('an unused side is no text, and empty bins cost nothing', () => {
  expect(encodeCounts(new Float64Array(32768))).toBe('');
  const sparse = new Float64Array(32768);
  sparse[30000] = 5;
  expect(encodeCounts(sparse).length).toBeLessThan(12);
});

test.each([
  ['not base64', '*', 8],
  ['a number cut short', Buffer.from([0x80]).toString('base64'), 8],
  ['a run cut short', Buffer.from([0]).toString('base64'), 8],
  ['an empty run', Buffer.from([0, 0, 1]).toString('base64'), 8],
  ['more bins than announced', Buffer.from([1, 1, 1]).toString('base64'), 2],
  ['a run beyond the end', Buffer.from([0, 9]).toString('base64'), 8],
  ['a count beyond 2^53', Buffer.from([255, 255, 255, 255, 255, 255, 255, 255, 1]).toString('base64'), 8],
])('refuses %s', (_, text, bins) => {
  expect(() => decodeCounts(text, bins, 'the side')).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('the side') }),
  );
});
