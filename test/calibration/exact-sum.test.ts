import fc from 'fast-check';
import { ExactSum } from '../../lib/calibration/exact-sum';

const term = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 });

test('one number is its own sum, to the last bit', () => {
  fc.assert(
    fc.property(term, (x) => {
      expect(ExactSum.of(x).value).toBe(x + 0);
      expect(ExactSum.of(x).parts).toEqual(x === 0 ? [] : [x]);
    }),
  );
});

test('does not depend on order or grouping', () => {
  fc.assert(
    fc.property(fc.array(term), fc.nat(), (terms, cut) => {
      const at = cut % (terms.length + 1);
      const whole = ExactSum.of(...terms);
      const merged = ExactSum.of(...terms.slice(at).reverse()).plus(ExactSum.of(...terms.slice(0, at)));
      expect(merged.units).toBe(whole.units);
      expect(merged.parts).toEqual(whole.parts);
    }),
  );
});

test('parts add up to the sum, the first of them being its value', () => {
  fc.assert(
    fc.property(fc.array(term), (terms) => {
      const sum = ExactSum.of(...terms);
      expect(ExactSum.of(...sum.parts).units).toBe(sum.units);
      expect(sum.parts[0] ?? 0).toBe(sum.value);
    }),
  );
});

test.each([
  [[1e100, 1, -1e100], 1],
  [[0.1, 0.2, -0.3], 2.7755575615628914e-17],
  [[2 ** 53, 1, 2 ** -40], 2 ** 53 + 2],
  [[2 ** 53, 1], 2 ** 53],
  [[Number.MIN_VALUE, Number.MIN_VALUE], 2 * Number.MIN_VALUE],
  [[], 0],
])('the sum of %p is %p, rounded once', (terms, value) => {
  expect(ExactSum.of(...terms).value).toBe(value);
});
