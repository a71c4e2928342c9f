import { maxObserver } from '../../../lib/calibration/observers/max';
import { OBSERVERS, ObserverRegistry } from '../../../lib/calibration/observers/registry';
import { symmetricGrid } from '../../../lib/quantization/parameters';
import { statisticsOf } from '../statistics-of';

test('lists the algorithms, those of the original first', () => {
  expect(OBSERVERS.names).toEqual(['max', 'KL', 'percentile', 'mse', 'average', 'auto']);
});

test('takes a parameter where the observer has one', () => {
  expect(OBSERVERS.get('percentile:99.9').name).toBe('percentile:99.9');
  expect(OBSERVERS.get('percentile:99.990').name).toBe('percentile');
});

test.each(['percentile:0', 'percentile:100.1', 'percentile:', 'percentile:x', 'percentile:NaN'])(
  'refuses %p',
  (name) => {
    expect(() => OBSERVERS.get(name)).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('up to 100 percent'),
      }),
    );
  },
);

test.each(['kl', 'toString', '', 'max:3', 'mse:'])('refuses %p and names what it knows', (name) => {
  expect(() => OBSERVERS.get(name)).toThrow(
    expect.objectContaining({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/"max", "KL".* for algo/),
    }),
  );
});

test('refuses two observers of one name', () => {
  expect(() => new ObserverRegistry([maxObserver, maxObserver])).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('"max"') }),
  );
});

describe.each(OBSERVERS.names)('%s', (name) => {
  const observer = OBSERVERS.get(name);

  test.each([
    ['nothing', [], 'uint8'],
    ['zeros', [0, 0], 'uint8'],
    ['zeros', [0, 0], 'int8'],
  ] as const)('gives %s (%p as %s) the scale 1', (_, values, dtype) => {
    const { threshold } = observer.range(statisticsOf(values), dtype);
    expect(symmetricGrid(threshold, dtype).scale).toBe(1);
  });

  test.each([
    ['a denormal', [1e-42]],
    ['the greatest float32', [3.4028234663852886e38]],
    ['a power of two', [1, -0.25]],
    ['one negative value', [-5, -5]],
  ])('gives %s a usable threshold', (_, values) => {
    const statistics = statisticsOf(values);
    const { threshold } = observer.range(statistics);
    expect(threshold).toBeGreaterThan(0);
    // Least error may use that -128 is there too, and a percentile cuts its share off.
    expect(Math.abs(threshold / statistics.absMax - 1)).toBeLessThan(1 / 100);
    expect(symmetricGrid(threshold, 'int8').scale).toBeGreaterThanOrEqual(2 ** -63);
  });
});

test('max is the greatest absolute value', () => {
  expect(maxObserver.range(statisticsOf([1, -7, 3])).threshold).toBe(7);
});
