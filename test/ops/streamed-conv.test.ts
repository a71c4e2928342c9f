import { expectClose } from '../support/compare';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { count, dense, map } from '../support/reference/dense';
import { conv } from '../support/reference/window';
import { float32, withSession } from '../support/run';
import { hasVnni } from '../support/vnni';

interface Case {
  x: readonly number[];
  w: readonly number[];
  strides?: readonly number[];
  pads?: readonly number[];
  dilations?: readonly number[];
  bias?: boolean;
  /** `kept`: a result of the network as well, `source`: what is convolved; neither's storage may be overwritten. */
  residual?: 'given' | 'kept' | 'source';
  activation?: 'Relu' | 'Clip';
  threads?: number;
}

/** Runs a convolution with more weights than a cache holds, compares it to the reference, and returns its implementation. */
async function check({ x, w, bias = true, ...spec }: Case): Promise<string> {
  const { strides = [1, 1], pads = [0, 0, 0, 0], dilations = [1, 1] } = spec;
  const random = new Random(8);
  const [data, weights] = [random.floats(count(x)), random.floats(count(w))];
  const shift = bias ? random.floats(w[0]!) : undefined;
  const result = conv(dense(x, data), dense(w, weights), shift, { strides, pads, dilations });
  const model = new ModelBuilder();
  const inputs = [model.input('x', x), model.constant(weights, w)];
  if (shift) inputs.push(model.constant(shift, [w[0]!]));
  let y = model.node('Conv', inputs, { strides, pads, dilations });
  const feeds = { x: float32(data, x) };
  let expected = result;
  if (spec.residual === 'source') {
    y = model.node('Add', [y, inputs[0]!]);
    expected = dense(result.dims, [...result.data].map((real, i) => real + data[i]!)); // prettier-ignore
  } else if (spec.residual) {
    const other = random.floats(count(result.dims));
    const residual = model.node('Neg', [model.input('r', result.dims)]);
    if (spec.residual === 'kept') model.output(residual);
    y = model.node('Add', [y, residual]);
    Object.assign(feeds, { r: float32(other, result.dims) });
    expected = dense(result.dims, [...result.data].map((real, i) => real - other[i]!)); // prettier-ignore
  }
  if (spec.activation === 'Relu') y = model.node('Relu', [y]);
  if (spec.activation === 'Clip')
    y = model.node('Clip', [y, model.constant([-4], []), model.constant([6], [])]);
  model.output(y);
  const clamped = map(expected, (real) => {
    if (spec.activation === 'Relu') return Math.max(0, real);
    return spec.activation === 'Clip' ? Math.min(6, Math.max(-4, real)) : real;
  });
  return withSession(
    model,
    async (session) => {
      const outputs = await session.run(feeds);
      expectClose(outputs[session.outputNames.at(-1)!]!, clamped);
      const { steps } = await session.info();
      return steps.find(({ kernel }) => kernel === 'convolution')!.implementation;
    },
    { threadsPerStream: spec.threads ?? 1 },
  );
}

describe('convolutions of few pixels and many weights in float32 equal the reference', () => {
  const same = [1, 1, 1, 1];
  const pointwise: Case = { x: [1, 512, 7, 7], w: [256, 512, 1, 1] };
  const wide: Case = { x: [1, 64, 7, 7], w: [256, 64, 3, 3], pads: same };
  const cases: [string, Case][] = [
    ['1x1', pointwise],
    ['3x3', wide],
    ['1x1 of more pixels', { ...pointwise, x: [1, 512, 14, 14] }],
    ['ReLU', { ...pointwise, activation: 'Relu' }],
    ['Clip', { ...wide, activation: 'Clip' }],
    ['no bias', { ...wide, bias: false }],
    ['a residual', { ...pointwise, residual: 'given' }],
    ['a residual and ReLU', { ...wide, residual: 'given', activation: 'Relu' }],
    ['a residual that others read', { ...wide, residual: 'kept', activation: 'Relu' }],
    ['what is convolved as the residual', { ...pointwise, w: [512, 512, 1, 1], residual: 'source' }],
    ['input channels in several pieces, the last one small', { x: [1, 1026, 7, 7], w: [128, 1026, 1, 1] }],
    ['strides and uneven padding', { ...wide, x: [1, 64, 14, 15], strides: [2, 2], pads: [0, 1, 1, 0] }],
    ['strides of a 1x1', { ...pointwise, x: [1, 512, 13, 14], strides: [2, 2] }],
    ['dilations', { ...wide, dilations: [2, 3], pads: [2, 3, 2, 3] }],
    ['several images', { ...wide, x: [2, 64, 6, 6] }],
    ['several images that windows of one pixel run through', { ...pointwise, x: [5, 512, 3, 3] }],
    ['several threads', { ...wide, threads: 3, residual: 'given' }],
    ...[1, 2, 3, 4, 5].map((width): [string, Case] => [
      `tiles of ${width} pixels`,
      { ...wide, x: [Math.ceil(43 / width), 64, 1, width] },
    ]),
  ];
  test.each(cases)('%s', async (_, spec) => {
    const implementation = await check(spec);
    if (hasVnni()) expect(implementation).toBe('calibr8:streamed_fma');
  });

  test('others are left to oneDNN', async () => {
    const others: Case[] = [
      { ...pointwise, x: [1, 512, 6, 7] },
      { ...pointwise, x: [1, 512, 16, 16] },
      { ...pointwise, x: [1, 512, 9, 11], residual: 'given' },
      { ...wide, x: [1, 64, 9, 11] },
      { ...pointwise, w: [255, 512, 1, 1] },
      { ...pointwise, w: [192, 512, 1, 1] },
    ];
    for (const other of others) expect(await check(other)).not.toMatch(/^calibr8/);
  });
});
