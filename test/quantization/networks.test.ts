import type { Value } from '../../lib/graph/graph';
import type { TensorMap } from '../../lib/runtime/session';
import { ModelBuilder } from '../support/model';
import { quantized } from '../support/quantized';
import { Random } from '../support/random';
import { float32 } from '../support/run';
import { hasVnni } from '../support/vnni';

/** Adds layers with seeded weights. */
class Layers {
  readonly #random = new Random(21);

  constructor(readonly model: ModelBuilder) {}

  convolution(x: Value, from: number, to: number, size = 1): Value {
    const pad = (size - 1) / 2;
    const inputs = [x, this.#weights([to, from, size, size], from * size * size), this.#weights([to], 100)];
    return this.model.node('Conv', inputs, { pads: [pad, pad, pad, pad] });
  }

  transposed(x: Value, from: number, to: number, size: number, attributes = {}): Value {
    const inputs = [x, this.#weights([from, to, size, size], from * 4), this.#weights([to], 100)];
    return this.model.node('ConvTranspose', inputs, { strides: [2, 2], ...attributes });
  }

  #weights(dims: readonly number[], reach: number): Value {
    const size = dims.reduce((a, b) => a * b, 1);
    return this.model.constant(this.#random.floats(size, -2 / Math.sqrt(reach), 2 / Math.sqrt(reach)), dims);
  }
}

const images = (random: Random, batch: number, channels: number, size: number): TensorMap => ({
  x: float32(random.floats(batch * channels * size * size), [batch, channels, size, size]),
});

test('a decoder of transposed convolutions computes in INT8', async () => {
  const model = new ModelBuilder();
  const layers = new Layers(model);
  let x = model.input('x', ['n', 16, 'height', 'width']);
  x = model.node('Relu', [layers.transposed(x, 16, 32, 2)]);
  x = model.node('LeakyRelu', [
    layers.transposed(x, 32, 16, 3, { pads: [1, 1, 1, 1], output_padding: [1, 1] }),
  ]);
  x = model.node('Sigmoid', [layers.transposed(x, 16, 3, 4, { pads: [1, 1, 1, 1] })]);
  model.output(x, 'float32', ['n', 3, 'height', 'width']);
  const random = new Random(1);
  const samples = Array.from({ length: 8 }, () => images(random, 1, 16, 12));
  const probes = [images(random, 1, 16, 12), images(random, 3, 16, 9)];
  const { int8Percent, sqnrDb, peerDb, info } = await quantized(model, samples, probes);
  expect(int8Percent).toBe(100);
  expect(Math.min(...sqnrDb)).toBeGreaterThanOrEqual(28);
  expect(Math.min(...peerDb)).toBeGreaterThanOrEqual(34);
  const layersOf = info.steps.filter(({ kernel }) => kernel === 'deconvolution');
  expect(layersOf).toHaveLength(3);
  for (const { dataTypes, implementation } of layersOf) {
    expect(dataTypes).toMatch(/^[su]8,s8,s32->/);
    if (hasVnni()) expect(implementation).toMatch(/vnni|amx/);
  }
});

test('a squeeze-and-excitation block computes in INT8, its product too', async () => {
  const model = new ModelBuilder();
  const layers = new Layers(model);
  const x = model.node('HardSwish', [
    layers.convolution(model.input('x', ['n', 8, 'height', 'width']), 8, 32, 3),
  ]);
  const squeezed = model.node('Relu', [layers.convolution(model.node('GlobalAveragePool', [x]), 32, 8)]);
  const gate = model.node('HardSigmoid', [layers.convolution(squeezed, 8, 32)]);
  const y = layers.convolution(model.node('Mul', [x, gate]), 32, 8);
  model.output(y, 'float32', ['n', 8, 'height', 'width']);
  const random = new Random(2);
  const samples = Array.from({ length: 8 }, () => images(random, 1, 8, 14));
  const probes = [images(random, 1, 8, 14), images(random, 2, 8, 20)];
  const { int8Percent, sqnrDb, peerDb, info } = await quantized(model, samples, probes);
  expect(int8Percent).toBe(100);
  expect(Math.min(...sqnrDb)).toBeGreaterThanOrEqual(28);
  expect(Math.min(...peerDb)).toBeGreaterThanOrEqual(34);
  const computed = info.steps.filter(({ implementation }) => implementation !== 'none');
  // Into INT8, four layers, the mean, the product; the last layer writes float32.
  expect(computed.map(({ kernel }) => kernel).sort()).toEqual(
    ['reorder', 'convolution', 'convolution', 'convolution', 'convolution', 'pooling', 'binary'].sort(),
  );
  expect(computed.find(({ kernel }) => kernel === 'binary')!.dataTypes).toMatch(/^s8,u8->s8$/);
});
