import fc from 'fast-check';
import type { Value } from '../../lib/graph/graph';
import { Tensor } from '../../lib/index';
import { expectAgreement } from '../support/agree';
import { expectLevels } from '../support/compare';
import { ModelBuilder, type AttributeSpec, type Grid } from '../support/model';
import { fittingGrid, storedNumbers, storedTensor } from '../support/quantized-conv';
import { Random } from '../support/random';
import { count, dense, type Dense } from '../support/reference/dense';
import { levels } from '../support/reference/quantization';
import { conv } from '../support/reference/window';
import { runModel, withSession } from '../support/run';
import { describeWithVnni } from '../support/vnni';

/** A quantized convolution as other tools write it. */
interface Layer {
  x?: readonly number[];
  w?: readonly number[];
  groups?: number;
  /** Grids of the data and of the result. */
  from?: Grid;
  to?: 'uint8' | 'int8';
  weights: 'uint8' | 'int8';
  /** The weights' zero point; several are one a channel. */
  zero: number | readonly number[];
  perChannel?: boolean;
  form?: 'QDQ' | 'QOperator';
  seed?: number;
}

interface Made {
  model: ModelBuilder;
  feeds: Record<string, Tensor>;
  /** The exact result in units of the result's steps. */
  exact: Dense;
}

const ASYMMETRIC: Grid = { dtype: 'uint8', scale: 0.0173, zero: 117 };
const range: Record<'uint8' | 'int8', [number, number]> = { uint8: [0, 255], int8: [-128, 127] };

function make(layer: Layer): Made {
  const { x = [1, 8, 6, 7], w = [12, 8, 3, 3], groups = 1, from = ASYMMETRIC, form = 'QDQ' } = layer;
  const random = new Random(layer.seed ?? 1);
  const channels = w[0]!;
  const data = storedNumbers(random, count(x), from);
  const stored = random.ints(count(w), ...range[layer.weights]);
  const bias = random.ints(channels, -9000, 9000);
  const zeros = typeof layer.zero === 'number' ? [layer.zero] : layer.zero;
  const size = layer.perChannel || zeros.length > 1 ? channels : 1;
  const scales = Array.from({ length: size }, () => Math.fround(0.002 + random.next() * 0.01));
  const each = count(w) / channels;
  const zeroOf = (channel: number): number => zeros[zeros.length > 1 ? channel : 0]!;

  const window = { pads: [1, 1, 1, 1], groups };
  const centered = dense(
    w,
    stored.map((value, i) => value - zeroOf(Math.floor(i / each))),
  );
  const sums = conv(
    dense(
      x,
      data.map((value) => value - from.zero),
    ),
    centered,
    undefined,
    window,
  );
  const area = count(sums.dims.slice(2));
  const xScale = Math.fround(from.scale as number);
  const channelOf = (i: number): number => Math.floor(i / area) % channels;
  const real = dense(
    sums.dims,
    sums.data.map((sum, i) => {
      const channel = channelOf(i);
      return (sum + bias[channel]!) * xScale * scales[size > 1 ? channel : 0]!;
    }),
  );
  const to = fittingGrid(real, layer.to ?? 'uint8', layer.to === 'int8' ? -7 : 121);

  const m = new ModelBuilder();
  const scalar = (grid: Grid): Value[] => [
    m.constant([grid.scale as number], []),
    m.constant([grid.zero], [], grid.dtype),
  ];
  const dims = size > 1 ? [size] : [];
  const parameters = [
    m.constant(scales, dims),
    m.constant(
      Array.from({ length: size }, (_, c) => zeroOf(c)),
      dims,
      layer.weights,
    ),
  ];
  const attributes: Record<string, AttributeSpec> = { pads: [1, 1, 1, 1], group: groups };
  const input = m.input('x', x, from.dtype);
  const weights = m.constant(stored, w, layer.weights);
  const counted = m.constant(bias, [channels], 'int32');
  if (form === 'QOperator') {
    const inputs = [input, ...scalar(from), weights, ...parameters, ...scalar(to), counted];
    m.output(m.node('QLinearConv', inputs, attributes), to.dtype);
  } else {
    const units = m.constant(
      scales.map((scale) => scale * xScale),
      dims,
    );
    const y = m.node(
      'Conv',
      [
        m.dequantize(input, from),
        m.node('DequantizeLinear', [weights, ...parameters], { axis: 0 }),
        m.node('DequantizeLinear', [counted, units], { axis: 0 }),
      ],
      attributes,
    );
    m.output(m.quantize(y, to), to.dtype);
  }
  return { model: m, feeds: { x: storedTensor(from, data, x) }, exact: levels(real, to) };
}

/** The implementations of the layers, which all multiply bytes. */
async function layersOf(model: ModelBuilder): Promise<string[]> {
  return withSession(model, async (session) => {
    expect(session.precision).toBe('int8');
    const { steps } = await session.info();
    const layers = steps.filter(({ kernel }) => ['convolution', 'inner_product'].includes(kernel));
    for (const { dataTypes } of layers) expect(dataTypes).toMatch(/^[us]8,s8/);
    return layers.map(({ implementation }) => implementation);
  });
}

const S8: Grid = { dtype: 'int8', scale: 0.0173, zero: -19 };
const LAYERS: [string, Layer, number][] = [
  ['asymmetric u8 data, s8 weights per channel', { weights: 'int8', zero: 0, perChannel: true }, 1],
  ['s8 data to s8', { weights: 'int8', zero: 0, from: S8, to: 'int8' }, 1],
  ['u8 weights around 128', { weights: 'uint8', zero: 128 }, 1],
  ['u8 weights with another zero point', { weights: 'uint8', zero: 151 }, 2],
  [
    'u8 weights per channel, each with its zero point',
    { weights: 'uint8', zero: [3, 128, 129, 255, 90, 0, 128, 77, 1, 200, 131, 64] },
    2,
  ],
  ['u8 weights that are not negative', { weights: 'uint8', zero: 0 }, 2],
  ['s8 weights with a zero point, s8 data', { weights: 'int8', zero: -7, from: S8, to: 'int8' }, 2],
  [
    'u8 weights, depthwise',
    { weights: 'uint8', zero: 140, x: [1, 24, 6, 7], w: [24, 1, 3, 3], groups: 24 },
    2,
  ],
  [
    'u8 weights in groups',
    { weights: 'uint8', zero: 110, x: [1, 32, 6, 7], w: [32, 16, 3, 3], groups: 2 },
    2,
  ],
];

describe('convolutions as other tools quantize them', () => {
  describe.each(['QDQ', 'QOperator'] as const)('%s', (form) => {
    test.each(LAYERS)('%s: the nearest level of the exact result', async (_, layer) => {
      const { model, feeds, exact } = make({ ...layer, form });
      const [actual] = await runModel(model, feeds);
      expectLevels(actual!, exact);
    });

    test.each(LAYERS)('%s: what onnxruntime gives', async (_, layer) => {
      const { model, feeds } = make({ ...layer, form });
      await expectAgreement(model, feeds);
    });
  });

  test('any grids and weights: the nearest level of the exact result', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          weights: fc.constantFrom('uint8' as const, 'int8' as const),
          to: fc.constantFrom('uint8' as const, 'int8' as const),
          from: fc.tuple(fc.constantFrom('uint8' as const, 'int8' as const), fc.nat(255)),
          zero: fc.nat(255),
          perChannel: fc.boolean(),
          form: fc.constantFrom('QDQ' as const, 'QOperator' as const),
          seed: fc.nat(),
        }),
        async ({ from: [dtype, zero], ...layer }) => {
          const shift = (type: 'uint8' | 'int8', value: number): number => value + range[type][0];
          const { model, feeds, exact } = make({
            ...layer,
            zero: shift(layer.weights, layer.zero),
            from: { dtype, scale: 0.0173, zero: shift(dtype, zero) },
          });
          const [actual] = await runModel(model, feeds);
          expectLevels(actual!, exact);
        },
      ),
      { numRuns: 40 },
    ));
});

describeWithVnni('convolutions as other tools quantize them run on VNNI', () => {
  describe.each(['QDQ', 'QOperator'] as const)('%s', (form) => {
    test.each(LAYERS)('%s', async (_, layer, steps) => {
      const implementations = await layersOf(make({ ...layer, form }).model);
      expect(implementations).toHaveLength(steps);
      for (const implementation of implementations) expect(implementation).toMatch(/vnni|amx/);
    });
  });
});
