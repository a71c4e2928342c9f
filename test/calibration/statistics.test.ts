import fc from 'fast-check';
import {
  addSums,
  emptyStatistics,
  finiteCount,
  mergeStatistics,
  requireFinite,
  toStatistics,
  type TensorStatistics,
} from '../../lib/calibration/statistics';
import { statisticsFromJson, statisticsToJson } from '../../lib/calibration/statistics-json';
import { statisticsOf } from './statistics-of';

const BINS = 64;
const value = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ min: -4, max: 4, noNaN: true }),
  fc.constant(0),
);
const values = fc.array(value, { maxLength: 40 });

/** -0 and 0 are one value, told apart by toEqual. */
function exact({ min, max, ...rest }: TensorStatistics): TensorStatistics {
  return { min: min + 0, max: max + 0, ...rest };
}

/** What one collection over the parts, a sample each, gives: the histogram and extremes of all values, the sums of each. */
function collected(...parts: number[][]): TensorStatistics {
  const sums = parts.map((part) => statisticsOf(part, BINS)).reduce(addSums, emptyStatistics());
  return { ...statisticsOf(parts.flat(), BINS), ...sums };
}

describe('mergeStatistics', () => {
  test('gives what one collection over all values gives', () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        const merged = mergeStatistics(statisticsOf(a, BINS), statisticsOf(b, BINS));
        const { sum, sumOfSquares, samples, sumOfMaxima, ...one } = collected(a, b);
        expect(exact(merged)).toEqual(exact({ ...one, sum, sumOfSquares, samples, sumOfMaxima }));
      }),
    );
  });

  test('is commutative and associative', () => {
    fc.assert(
      fc.property(values, values, values, (...parts) => {
        const [a, b, c] = parts.map((part) => statisticsOf(part, BINS)) as [
          TensorStatistics,
          TensorStatistics,
          TensorStatistics,
        ];
        expect(exact(mergeStatistics(a, b))).toEqual(exact(mergeStatistics(b, a)));
        expect(exact(mergeStatistics(mergeStatistics(a, b), c))).toEqual(
          exact(mergeStatistics(a, mergeStatistics(b, c))),
        );
      }),
    );
  });

  test('adds moments and counts of non-finite elements', () => {
    const merged = mergeStatistics(statisticsOf([1, 2, NaN]), statisticsOf([-3, Infinity]));
    expect(merged).toMatchObject({ count: 5, nonFinite: 2, samples: 2, min: -3, max: 2 });
    expect([merged.sum.value, merged.sumOfSquares.value, merged.sumOfMaxima.value]).toEqual([0, 14, 5]);
  });

  test('leaves statistics as they are where nothing is added, whatever the length of its histogram', () => {
    const one = statisticsOf([1, -2], BINS);
    expect(mergeStatistics(one, emptyStatistics())).toBe(one);
    expect(mergeStatistics(emptyStatistics(), one)).toBe(one);
  });

  test('refuses histograms of different lengths', () => {
    expect(() => mergeStatistics(statisticsOf([1], 64), statisticsOf([1], 32))).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});

describe('toStatistics', () => {
  const bins = (...counts: number[]): Float64Array => Float64Array.from(counts);
  const observed = {
    count: 3,
    min: 0,
    max: 0,
    nonFinite: 0,
    range: 0,
    positive: bins(0, 0),
    negative: bins(0, 0),
    sum: 0,
    sumOfSquares: 0,
  };

  test('puts zeros without a range in bin 0', () => {
    expect(finiteCount(toStatistics(observed))).toBe(3);
  });

  test('gives nothing seen the extremes 0', () => {
    expect(toStatistics({ ...observed, count: 0, min: Infinity, max: -Infinity })).toMatchObject({
      min: 0,
      max: 0,
      absMax: 0,
    });
  });

  test.each([
    ['no histogram', { positive: bins(), negative: bins() }],
    ['sides of different lengths', { negative: bins(0) }],
    ['a range that is no power of two', { range: 3 }],
    ['an infinite range', { range: Infinity }],
  ])('refuses %s', (_, part) => {
    expect(() => toStatistics({ ...observed, ...part })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});

test('requireFinite names the tensor', () => {
  expect(() => requireFinite('conv1', statisticsOf([1, 2]))).not.toThrow();
  expect(() => requireFinite('conv1', statisticsOf([1, NaN]))).toThrow(
    expect.objectContaining({
      code: 'NON_FINITE_VALUE',
      message: expect.stringContaining('"conv1" but 1 of 2'),
    }),
  );
});

describe('JSON', () => {
  test('comes back equal through text', () => {
    fc.assert(
      fc.property(values, (list) => {
        const statistics = statisticsOf(
          list.map((x) => x + 0),
          BINS,
        );
        const back = statisticsFromJson(JSON.parse(JSON.stringify(statisticsToJson(statistics))), 'x');
        expect(back).toEqual(statistics);
      }),
    );
  });

  test('of merged shards is the same text in any order', () => {
    const parts = [[0.1, -3], [700, 0], [0.2, 1e-30], []].map((part) => statisticsOf(part));
    const text = (list: TensorStatistics[]): string =>
      JSON.stringify(statisticsToJson(list.reduce(mergeStatistics)));
    expect(text([...parts].reverse())).toBe(text(parts));
    expect(text([parts[2]!, mergeStatistics(parts[1]!, parts[0]!), parts[3]!])).toBe(text(parts));
  });

  test.each([
    ['a missing field', (json: object) => ({ ...json, count: undefined }), 'count'],
    ['null', () => null, 'the whole'],
    [
      'a damaged histogram',
      (json: object) => ({ ...json, histogram: { range: 2, bins: 2, positive: '!', negative: '' } }),
      'base64',
    ],
  ])('refuses %s', (_, damage, named) => {
    const json = damage(statisticsToJson(statisticsOf([1])));
    expect(() => statisticsFromJson(json, 'conv1')).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(named) }),
    );
    expect(() => statisticsFromJson(json, 'conv1')).toThrow('"conv1"');
  });
});
