import fc from 'fast-check';
import { Constant } from '../../lib/graph/constant';
import { quantizeLinearLayer } from '../../lib/quantization/linear-layer';

const layer = {
  weightsName: 'conv1.weight',
  weights: Constant.float32([3, 2], [1, -0.5, 0, 0, 1e-12, 0]),
  axis: 0,
  bias: Constant.float32([3], [0.25, 0.7, -3]),
  inputScale: 0.02,
};

test('weights and bias come back; the bias scale is the float32 product', () => {
  const { weights, weightScale, bias, biasScale } = quantizeLinearLayer(layer);
  expect(bias!.dtype).toBe('int32');
  expect([...biasScale]).toEqual([...weightScale].map((scale) => Math.fround(0.02 * scale)));
  const real = bias!.toNumbers().map((steps, channel) => steps * biasScale[channel]!);
  layer.bias.toNumbers().forEach((value, channel) => {
    expect(Math.abs(real[channel]! - value)).toBeLessThanOrEqual(biasScale[channel]! * (0.5 + 1e-9));
  });
  expect(weights.toNumbers().slice(0, 2)).toEqual([127, -64]);
});

test('a channel without weights represents its bias to a billionth', () => {
  const { weights, bias, biasScale } = quantizeLinearLayer(layer);
  const value = Math.fround(0.7);
  expect(Math.abs(bias!.toNumbers()[1]! * biasScale[1]! - value) / value).toBeLessThan(2e-9);
  expect(weights.toNumbers().slice(2, 4)).toEqual([0, 0]);
});

test('a bias that would overflow int32 enlarges its channel alone', () => {
  const { weightScale, bias } = quantizeLinearLayer(layer);
  const without = quantizeLinearLayer({ ...layer, bias: undefined });
  expect(weightScale[0]).toBe(without.weightScale[0]);
  expect(weightScale[2]).toBeGreaterThan(without.weightScale[2]!);
  expect(Math.abs(bias!.toNumbers()[2]!)).toBeLessThanOrEqual(2 ** 30 * (1 + 2 ** -20));
});

test('any finite layer has a finite, representable bias', () => {
  const real = fc.oneof(
    fc.float({ noNaN: true, min: -10, max: 10 }),
    fc.float({ noNaN: true, min: -Math.fround(1e-10), max: Math.fround(1e-10) }),
    fc.constant(0),
  );
  fc.assert(
    fc.property(
      fc.array(real, { minLength: 8, maxLength: 8 }),
      fc.array(real, { minLength: 4, maxLength: 4 }),
      fc.double({ min: 1e-8, max: 10, noNaN: true }).map(Math.fround),
      (weights, bias, inputScale) => {
        const result = quantizeLinearLayer({
          weightsName: 'w',
          weights: Constant.float32([4, 2], weights),
          axis: 0,
          bias: Constant.float32([4], bias),
          inputScale,
        });
        result.bias!.toNumbers().forEach((steps, channel) => {
          const scale = result.biasScale[channel]!;
          expect(scale).toBeGreaterThanOrEqual(2 ** -126);
          expect(Math.abs(steps)).toBeLessThanOrEqual(2 ** 30 * (1 + 2 ** -20));
          expect(Math.abs(steps * scale - bias[channel]!)).toBeLessThanOrEqual(scale * (0.5 + 1e-9));
        });
      },
    ),
  );
});

test('no bias is no bias', () => {
  expect(quantizeLinearLayer({ ...layer, bias: undefined }).bias).toBeUndefined();
});

test.each([
  ['a bias that is not finite', { bias: Constant.float32([3], [0, NaN, 0]) }, 'NON_FINITE_VALUE'],
  ['a bias of another length', { bias: Constant.float32([2], [0, 0]) }, 'INVALID_SHAPE'],
  ['an input scale of 0', { inputScale: 0 }, 'INVALID_ARGUMENT'],
  ['an input scale that is not finite', { inputScale: NaN }, 'INVALID_ARGUMENT'],
  [
    'scales whose product overflows',
    { inputScale: 3e38, weights: Constant.float32([3, 2], [1e38, 0, 0, 0, 0, 0]) },
    'NON_FINITE_VALUE',
  ],
])('refuses %s', (_, part, code) => {
  expect(() => quantizeLinearLayer({ ...layer, ...part })).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining('conv1.weight') }),
  );
});
