import { Tensor } from '../../lib';
import type { TensorMap } from '../../lib/runtime/session';
import { multilayerPerceptron } from '../support/perceptron';
import { quantized } from '../support/quantized';
import { Random } from '../support/random';
import { float32 } from '../support/run';
import { encoder, VOCABULARY, WIDTH, type EncoderStyle } from '../support/transformer';
import { hasVnni } from '../support/vnni';

const STYLES: [string, EncoderStyle][] = [
  [
    'normalized after each block, operators fused, computed shapes',
    {
      ...{ opset: 17, norm: 'operator', normFirst: false, gelu: 'erf' },
      ...{ scaling: 'scores', shapes: 'computed', inputs: 'vectors' },
    },
  ],
  [
    'normalized before each block, Gelu as an operator, scaled queries and keys',
    {
      ...{ opset: 20, norm: 'operator', normFirst: true, gelu: 'operator' },
      ...{ scaling: 'operands', shapes: 'constant', inputs: 'vectors' },
    },
  ],
  [
    'tokens with a mask, decomposed normalization, opset 11',
    {
      ...{ opset: 11, norm: 'decomposed', normFirst: false, gelu: 'erf' },
      ...{ scaling: 'scores', shapes: 'computed', inputs: 'tokens' },
    },
  ],
  [
    'tokens with a mask, decomposed normalization, opset 18',
    {
      ...{ opset: 18, norm: 'decomposed', normFirst: true, gelu: 'erf' },
      ...{ scaling: 'operands', shapes: 'constant', inputs: 'tokens' },
    },
  ],
];

/** Batches and lengths; calibration sees others. */
const SIZES = [
  [1, 16],
  [4, 12],
  [2, 33],
] as const;

describe('a two-layer transformer encoder', () => {
  it.each(STYLES)('%s: computes in INT8, attention too', async (_, style) => {
    const random = new Random(5);
    const samples = Array.from({ length: 20 }, (_, i) => sequences(style, random, 1 + (i % 3), 8 + i));
    const probes = SIZES.map(([batch, length]) => sequences(style, random, batch, length));
    const { int8Percent, sqnrDb, peerDb, info } = await quantized(encoder(style), samples, probes);
    expect(int8Percent).toBeGreaterThanOrEqual(90);
    expect(Math.min(...sqnrDb)).toBeGreaterThanOrEqual(28);
    // A number that lies between two levels may fall to either side, and attention spreads it.
    expect(Math.min(...peerDb)).toBeGreaterThanOrEqual(34);
    const attention = info.steps.filter(({ kernel }) => kernel === 'matmul');
    expect(attention).toHaveLength(4);
    for (const { dataTypes } of attention) expect(dataTypes).toMatch(/^[su]8,s8->/);
    for (const { kernel, dataTypes } of info.steps)
      if (kernel === 'softmax' || kernel === 'normalization') expect(dataTypes).toBe('f32->f32');
    if (hasVnni())
      for (const { kernel, implementation } of info.steps)
        if (kernel === 'matmul' || kernel === 'inner_product') expect(implementation).toMatch(/vnni|amx/);
  });
});

describe('a multilayer perceptron', () => {
  it.each(['Gemm', 'MatMul'] as const)('of %s layers computes in INT8', async (op) => {
    const random = new Random(3);
    const rows = (batch: number): TensorMap => ({ x: float32(random.floats(batch * 40), [batch, 40]) });
    const samples = Array.from({ length: 20 }, () => rows(8));
    const { int8Percent, sqnrDb, peerDb } = await quantized(multilayerPerceptron(op), samples, [
      rows(1),
      rows(32),
    ]);
    expect(int8Percent).toBe(100);
    expect(Math.min(...sqnrDb)).toBeGreaterThanOrEqual(28);
    expect(Math.min(...peerDb)).toBeGreaterThanOrEqual(34);
  });
});

function sequences({ inputs }: EncoderStyle, random: Random, batch: number, length: number): TensorMap {
  const count = batch * length;
  const dims = [batch, length];
  if (inputs === 'vectors') return { x: float32(random.floats(count * WIDTH, -1.5, 1.5), [...dims, WIDTH]) };
  const ids = BigInt64Array.from(random.ints(count, 0, VOCABULARY - 1), BigInt);
  // The last sequences of a batch end early.
  const present = ids.map((_, i) => BigInt(Number(i % length < length - (Math.floor(i / length) % 3))));
  return { ids: new Tensor('int64', ids, dims), mask: new Tensor('int64', present, dims) };
}
