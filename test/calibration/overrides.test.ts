import { Calibrator, type Override } from '../../lib';
import { ModelBuilder } from '../support/model';
import { calibrated, noise, quantizerOf } from './calibrated';

/** Two branches of convolution and ReLU that a concat joins, a convolution after it, a matrix product. */
function network() {
  const model = new ModelBuilder(13);
  const x = model.input('x', [1, 4, 6, 6]);
  const weights = (seed: number, dims: number[]) =>
    model.constant(noise(1, dims, seed)[0]!.data as Float32Array, dims);
  const a = model.node('Relu', [model.node('Conv', [x, weights(2, [8, 4, 1, 1])])]);
  const b = model.node('Clip', [model.node('Conv', [x, weights(3, [8, 4, 1, 1])]), model.constant([-1], [])]);
  const joined = model.node('Concat', [a, b], { axis: 1 });
  const last = model.node('Conv', [joined, weights(4, [4, 16, 1, 1])]);
  const flat = model.node('Flatten', [model.node('GlobalAveragePool', [last])]);
  model.output(model.node('Gemm', [flat, weights(5, [4, 3])]), 'float32', [1, 3]);
  return { model, names: { a: a.name, b: b.name, joined: joined.name, last: last.name } };
}

const samples = noise(4, [1, 4, 6, 6]);
const { model, names } = network();

async function tensors(overrides: Override[]): Promise<Map<string, { threshold: number; observer: string }>> {
  const { summary } = await calibrated(model, samples, { overrides });
  return new Map(summary.tensors.map((tensor) => [tensor.name, tensor]));
}

describe('overrides', () => {
  it('fix the range of a tensor, which the saved scale shows', async () => {
    const { graph, summary } = await calibrated(model, samples, { overrides: [{ match: 'x', range: 0.5 }] });
    expect(quantizerOf(graph, 'x').scale).toBe(Math.fround(0.5 / 127));
    expect(summary.tensors.find(({ name }) => name === 'x')).toMatchObject({
      ...{ threshold: 0.5, observer: 'range' },
      clippedPercent: expect.closeTo(50, -1) as number,
    });
    expect(JSON.parse(graph.metadata.get('calibr8.overrides')!)).toEqual([{ match: 'x', range: 0.5 }]);
  });

  it.each([
    ['the tensor', () => names.last],
    ['its node', () => names.last.replace(':0', '')],
    ['the layer before its function', () => 'Conv' + /\d+/.exec(names.last)![0]],
    ['a glob', () => `{${names.last},other}`],
  ])('choose an observer by the name of %s', async (_, match) => {
    const chosen = await tensors([{ match: match(), observer: 'average' }]);
    expect(chosen.get(names.last)!.observer).toBe('average');
    expect(chosen.get('x')!.observer).toBe('max');
    expect(chosen.get(names.last)!.threshold).toBeLessThan((await tensors([])).get(names.last)!.threshold);
  });

  it('choose an observer by operator type, for what such nodes make', async () => {
    const chosen = await tensors([{ match: 'op:Conv', observer: { percentile: 90 } }]);
    expect([...chosen].map(([name, { observer }]) => [name, observer])).toEqual(
      [...chosen.keys()].map((name) => [name, name === 'x' ? 'max' : 'percentile:90']),
    );
  });

  it('count for all tensors that share a scale', async () => {
    const chosen = await tensors([{ match: names.a, range: 0.25 }]);
    for (const name of [names.a, names.b, names.joined])
      expect(chosen.get(name)).toMatchObject({ threshold: 0.25, observer: 'range' });
  });

  it('give way to later ones', async () => {
    const chosen = await tensors([
      { match: '**', observer: 'KL' },
      { match: 'x', range: 3 },
      { match: 'x', observer: 'auto' },
    ]);
    expect(chosen.get(names.last)!.observer).toBe('KL');
    // What auto chose is named, not auto itself.
    expect(['max', 'mse', 'KL', 'percentile', 'average']).toContain(chosen.get('x')!.observer);
  });

  it('leave layers in FP32 as exclude does', async () => {
    const one = await calibrated(model, samples, { overrides: [{ match: 'op:Gemm', precision: 'fp32' }] });
    const two = await calibrated(model, samples, { exclude: ['op:Gemm'] });
    expect(Buffer.compare(one.bytes, two.bytes)).toBe(0);
    expect(one.summary).toMatchObject({ int8Nodes: 3, fp32Nodes: 1 });
  });

  it.each([
    ['no list', {}, /an array of objects for overrides/],
    ['no match', [{ range: 3 }], /overrides\[0\]\.match: /],
    [
      'no choice',
      [{ match: 'x' }],
      /exactly one of precision, observer and range, or bits.* for overrides\[0\]/,
    ],
    ['two choices', [{ match: 'x', range: 3, observer: 'KL' }], /exactly one of/],
    ['an unknown field', [{ match: 'x', observers: 'KL' }], /observers/],
    ['a range of 0', [{ match: 'x', range: 0 }], /overrides\[0\]\.range: /],
    ['an endless range', [{ match: 'x', range: Infinity }], /overrides\[0\]\.range: /],
    ['a range beyond float32', [{ match: 'x', range: 1e300 }], /fits a float32 for overrides\[0\]\.range/],
    ['an unknown observer', [{ match: 'x', observer: 'kl' }], /"KL".* for overrides\[0\]\.observer/],
    ['another precision', [{ match: 'x', precision: 'int4' }], /overrides\[0\]\.precision: .*fp32/],
    ['nothing it matches', [{ match: 'y', range: 3 }], /"y" matches none.*: "x"/],
    ['a layer that makes nothing in INT8', [{ match: 'op:Gemm', range: 3 }], /"op:Gemm" matches none/],
    ['no layer to leave', [{ match: 'op:Relu', precision: 'fp32' }], /"op:Relu" matches none.*"op:Conv"/],
  ])('are refused with %s', async (_, overrides, message) => {
    const create = Calibrator.create({ model: model.bytes(), overrides: overrides as Override[] });
    await expect(create).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message) as string,
    });
  });
});
