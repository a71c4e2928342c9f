import * as ort from 'onnxruntime-node';
import { Calibrator, InferenceSession } from '../../lib';
import type { Graph } from '../../lib/graph/graph';
import { calibrated, isQuantized, noise } from '../calibration/calibrated';
import { ModelBuilder } from '../support/model';

/** Two convolutions from one value, their concat, a convolution, a matrix product; every layer has a path for a name. */
function network(): ModelBuilder {
  const model = new ModelBuilder(13);
  const x = model.input('x', [1, 4, 6, 6]);
  const weights = (seed: number, dims: number[]) =>
    model.constant(noise(1, dims, seed)[0]!.data as Float32Array, dims);
  const conv = (input: typeof x, name: string, seed: number, dims: number[]) => {
    const value = model.node('Conv', [input, weights(seed, dims)]);
    return model.node('Relu', [rename(model, value, name)]);
  };
  const a = conv(x, '/stem/a.0', 2, [8, 4, 1, 1]);
  const b = conv(a, '/stem/b[1]', 3, [8, 8, 1, 1]);
  const joined = model.node('Concat', [a, b], { axis: 1 });
  const c = conv(joined, '/head/c', 4, [4, 16, 1, 1]);
  const flat = model.node('Flatten', [model.node('GlobalAveragePool', [c])]);
  model.output(rename(model, model.node('Gemm', [flat, weights(5, [4, 3])]), '/head/fc'), 'float32', [1, 3]);
  return model;
}

/** Gives the node that makes a value another name. */
function rename<T extends ReturnType<ModelBuilder['node']>>(model: ModelBuilder, value: T, name: string): T {
  const node = value.producer!;
  model.graph.removeNode(node);
  const { op, inputs, outputs, attributes } = node;
  model.graph.addNode({ op, name, inputs, outputs, attributes });
  return value;
}

const LAYERS = ['/stem/a.0', '/stem/b[1]', '/head/c', '/head/fc'];

/** The layers whose weights are stored as int8. */
function int8Layers(graph: Graph): string[] {
  const weighted = [...graph.nodes].filter(({ op }) => op === 'Conv' || op === 'Gemm');
  return weighted.filter(({ inputs }) => !inputs[1]!.constant).map(({ name }) => name);
}

describe('exclude', () => {
  it.each([
    ['a name', ['/head/c'], ['/head/c']],
    ['a name with glob characters', ['/stem/b[1]'], ['/stem/b[1]']],
    ['a glob within a part of a path', ['/stem/*'], ['/stem/a.0', '/stem/b[1]']],
    ['a glob over parts', ['/**'], LAYERS],
    ['an operator type', ['op:Gemm'], ['/head/fc']],
    ['a glob over operator types', ['op:{Gemm,MatMul}'], ['/head/fc']],
    ['several patterns', ['op:Gemm', '**/a*'], ['/stem/a.0', '/head/fc']],
    ['a node that is no layer beside one that is', ['/stem/a*'], ['/stem/a.0']],
  ])('leaves what %s matches in FP32', async (_, exclude, left) => {
    const samples = noise(2, [1, 4, 6, 6]);
    if (left.length === LAYERS.length) {
      await expect(calibrated(network(), samples, { exclude })).rejects.toMatchObject({
        code: 'UNSUPPORTED_OPERATOR',
      });
      return;
    }
    const { graph, summary } = await calibrated(network(), samples, { exclude });
    expect(int8Layers(graph)).toEqual(LAYERS.filter((name) => !left.includes(name)));
    expect(summary).toMatchObject({ int8Nodes: LAYERS.length - left.length, fp32Nodes: left.length });
    expect(JSON.parse(graph.metadata.get('calibr8.exclude')!)).toEqual(exclude);
  });

  it('keeps the layer reading what INT8 neighbors read, and its result in float', async () => {
    const samples = noise(3, [1, 4, 6, 6]);
    const { graph, bytes } = await calibrated(network(), samples, { exclude: ['/head/c'] });
    const layer = [...graph.nodes].find(({ name }) => name === '/head/c')!;
    // The concat before it serves nobody in INT8 any more, but its inputs do.
    expect(layer.inputs[0]!.producer!.op).toBe('Concat');
    expect(isQuantized(graph, layer.outputs[0]!)).toBe(false);
    const feeds = { x: samples[0]! };
    const session = await InferenceSession.create(bytes);
    const peer = await ort.InferenceSession.create(bytes);
    const name = session.outputNames[0]!;
    const ours = (await session.run(feeds))[name]!.data as Float32Array;
    const input = new ort.Tensor('float32', samples[0]!.data as Float32Array, [1, 4, 6, 6]);
    const theirs = (await peer.run({ x: input }))[name]!.data as Float32Array;
    ours.forEach((value, i) => expect(value).toBeCloseTo(theirs[i]!, 4));
    await Promise.all([session.release(), peer.release()]);
  });

  it('takes the result of an INT8 layer as it is where no INT8 layer reads it', async () => {
    const samples = noise(3, [1, 4, 6, 6]);
    const { graph } = await calibrated(network(), samples, { exclude: ['/stem/b[1]', '/head/c'] });
    const layer = [...graph.nodes].find(({ name }) => name === '/stem/a.0')!;
    expect(layer.inputs[1]!.constant).toBeUndefined();
    const [relu] = layer.outputs[0]!.consumers;
    // Both the layer and the concat after it are in FP32, so that rounding would serve nobody.
    expect([...relu!.outputs[0]!.consumers].map(({ op }) => op).sort()).toEqual(['Concat', 'Conv']);
    expect(isQuantized(graph, relu!.outputs[0]!)).toBe(false);
  });

  it.each([
    ['matches no layer, with the nearest names', ['/head/d'], /"\/head\/d" matches none.*: "\/head\/c"/],
    ['matches only what is no layer', ['op:Relu'], /"op:Relu" matches none.*"op:Gemm", "op:Conv"/],
    ['is empty', [''], /a name, a glob or op:TYPE for exclude but received ""/],
    ['is no text', [3], /but received 3/],
    ['is no list', '/head/c', /Expected an array of names.* for exclude but received "\/head\/c"/],
  ])('refuses a pattern that %s', async (_, exclude, message) => {
    const create = Calibrator.create({ model: network().bytes(), exclude: exclude as string[] });
    await expect(create).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message) as string,
    });
  });
});
