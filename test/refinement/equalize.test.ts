import { Constant } from '../../lib/graph/constant';
import { verify } from '../../lib/graph/verify';
import { findChannelSpaces } from '../../lib/quantization/channel-spaces';
import { applyEqualization, chooseEqualization, type ScaledSpace } from '../../lib/refinement/equalize';
import { equalizable } from '../calibration/equalizable';
import { noise } from '../calibration/calibrated';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { canonical, nodeNamed, OPTIONS, valueNamed } from './support';

const samples = noise(12, [1, 3, 8, 8]);
const feeds = samples.map((x) => [x]);

const SPREAD = [1, 0.3, 0.1, 0.03, 0.03, 0.03, 0.03, 0.03];

/** Two convolutions and a ReLU; the first one's channels have the given ranges. */
function twoLayers(ranges: readonly number[]): ModelBuilder {
  const random = new Random(4);
  const model = new ModelBuilder();
  const channels = ranges.length;
  const x = model.input('x', ['N', 3, 8, 8]);
  const first = random.floats(channels * 27).map((w, i) => w * ranges[Math.floor(i / 27)]!);
  const relu = model.node('Relu', [model.node('Conv', [x, model.constant(first, [channels, 3, 3, 3])])]);
  const last = model.constant(random.floats(4 * channels), [4, channels, 1, 1]);
  return model.output(model.node('Conv', [relu, last]), 'float32', ['N', 4, 6, 6]);
}

describe('chooseEqualization', () => {
  it('widens narrow channels, the narrowest most, where that is worth it', async () => {
    const { graph, assignment } = await canonical(twoLayers(SPREAD));
    const [scaled, ...others] = await chooseEqualization(graph, assignment, feeds, OPTIONS);
    expect(others).toEqual([]);
    const factors = [...scaled!.factors];
    expect(Math.min(...factors)).toBe(1);
    expect(factors.slice(0, 4)).toEqual([...factors.slice(0, 4)].sort((a, b) => a - b));
    expect(factors[3]).toBeGreaterThan(1.5);
  });

  it('leaves channels of like ranges nearly alone', async () => {
    const { graph, assignment } = await canonical(twoLayers([1, 1, 1, 1]));
    for (const { factors } of await chooseEqualization(graph, assignment, feeds, OPTIONS))
      expect(Math.max(...factors)).toBeLessThan(1.5);
  });

  it('lets a channel be that is always zero', async () => {
    const { graph, assignment } = await canonical(twoLayers([1, 0, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02]));
    const [scaled] = await chooseEqualization(graph, assignment, feeds, OPTIONS);
    expect(scaled!.factors[1]).toBe(1);
    expect(scaled!.factors.every(Number.isFinite)).toBe(true);
  });

  it('leaves ranges that somebody chose, and judges by two samples at least', async () => {
    const { graph, assignment } = await canonical(twoLayers(SPREAD));
    const choose = chooseEqualization.bind(undefined, graph, assignment);
    const [chosen] = await choose(feeds, OPTIONS);
    const fixed = new Set(chosen!.space.values.map(({ name }) => name));
    expect(await choose(feeds, OPTIONS, { fixed })).toEqual([]);
    expect(await choose(feeds.slice(0, 1), OPTIONS)).toEqual([]);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(choose(feeds, OPTIONS, { signal })).rejects.toThrow('enough');
  });

  it('leaves a stream alone whose tensors have ranges of their own', async () => {
    const random = new Random(5);
    const model = new ModelBuilder();
    const conv = (x: ReturnType<ModelBuilder['node']>, inputs: number) =>
      model.node('Conv', [
        x,
        model.constant(random.floats(8 * inputs).map((w, i) => w * 0.5 ** Math.floor(i / inputs)), [8, inputs, 1, 1]), // prettier-ignore
      ]);
    const first = model.node('Relu', [conv(model.input('x', ['N', 3, 8, 8]), 3)]);
    const sum = model.node('Relu', [model.node('Add', [conv(first, 8), first])]);
    model.output(model.node('Sigmoid', [conv(sum, 8)]), 'float32', ['N', 8, 8, 8]);
    const { graph, assignment } = await canonical(model);
    expect(await chooseEqualization(graph, assignment, feeds, OPTIONS)).toEqual([]);
  });
});

describe('applyEqualization', () => {
  async function scaled() {
    const { model, clip } = equalizable();
    const { graph, assignment } = await canonical(model);
    const factors = Float64Array.from({ length: 16 }, (_, channel) => 1.5 + channel);
    const spaces = findChannelSpaces(graph, assignment).map((space) => ({ space, factors }));
    expect(spaces).toHaveLength(1);
    return { graph, clip, spaces, factors };
  }

  it('keeps a limit for each channel in what is measured, and lets saturation stand for it in what is quantized', async () => {
    const { graph, clip, spaces, factors } = await scaled();
    const { measured, graph: quantizable, limits, greatestThresholds } = applyEqualization(graph, spaces);
    verify(measured);
    verify(quantizable);
    const { name } = clip.producer!;
    expect([measured, quantizable].map((one) => nodeNamed(one, name).op)).toEqual(['Relu', 'Relu']);
    expect(valueNamed(measured, clip.name).producer!.op).toBe('Min');
    expect(valueNamed(quantizable, clip.name).producer!.op).toBe('Relu');
    const wanted = Float32Array.from(factors, (factor) => 6 * factor);
    const rectified = nodeNamed(measured, name).outputs[0]!.name;
    expect([...limits]).toEqual([[rectified, wanted]]);
    expect([...greatestThresholds]).toEqual([[clip.name, Math.min(...wanted)]]);
  });

  it('edits copies only, and constants that others share stay as they are', async () => {
    const { graph, spaces } = await scaled();
    const constants = new Map([...graph.values()].map((value) => [value, value.constant?.toNumbers()]));
    applyEqualization(graph, spaces);
    verify(graph);
    for (const [value, numbers] of constants) expect(value.constant?.toNumbers()).toEqual(numbers);
  });

  it('scales each of two layers that share weights by itself', async () => {
    const random = new Random(6);
    const model = new ModelBuilder();
    const shared = model.constant(random.floats(16), [4, 4, 1, 1]);
    const bias = model.constant(random.floats(4), [4]);
    let x = model.input('x', [1, 4, 3, 3]);
    for (let i = 0; i < 3; ++i) x = model.node('Relu', [model.node('Conv', [x, shared, bias])]);
    model.output(model.node('Sigmoid', [x]), 'float32', [1, 4, 3, 3]);
    const { graph } = await canonical(model);
    const convs = [...graph.nodes].filter(({ op }) => op === 'Conv');
    const factors = Float64Array.of(1, 2, 4, 8);
    const spaces = convs.slice(0, 2).map((maker, i): ScaledSpace => {
      const relu = [...maker.outputs[0]!.consumers][0]!;
      const values = [maker.outputs[0]!, relu.outputs[0]!];
      return {
        space: { channels: 4, values, makers: [maker], readers: [convs[i + 1]!], clips: [] },
        factors,
      };
    });
    const { graph: edited } = applyEqualization(graph, spaces);
    const [first, second, third] = convs.map(({ name }) => nodeNamed(edited, name));
    const original = shared.constant!.toFloat32();
    const at = (row: number, column: number): number => original[4 * row + column]!;
    const weights = (node: typeof first): Constant => node!.inputs[1]!.constant!;
    const by = (scale: (row: number, column: number) => number): Float32Array =>
      original.map((_, i) => at(Math.floor(i / 4), i % 4) * scale(Math.floor(i / 4), i % 4));
    expect(weights(first).toFloat32()).toEqual(by((row) => factors[row]!));
    expect(weights(second).toFloat32()).toEqual(by((row, column) => factors[row]! / factors[column]!));
    expect(weights(third).toFloat32()).toEqual(by((_, column) => 1 / factors[column]!));
    expect(third!.inputs[2]!.constant!.toFloat32()).toEqual(bias.constant!.toFloat32());
    expect(second!.inputs[2]!.constant!.toFloat32()).toEqual(bias.constant!.toFloat32().map((b, c) => b * factors[c]!)); // prettier-ignore
  });
});
