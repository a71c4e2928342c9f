import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { Calibrator, InferenceSession, Tensor } from '../../lib';
import { ModelBuilder } from '../support/model';
import { calibrated, isQuantized, noise, quantizerOf, withFolder } from './calibrated';
import { divergences } from './observers/naive-kl';

/** Conv(+bias)+Relu, MaxPool, Conv, GlobalAveragePool, Flatten, Gemm. */
function classifier(): {
  model: ModelBuilder;
  names: Record<'first' | 'relu' | 'pooled' | 'second', string>;
} {
  const model = new ModelBuilder(13);
  const x = model.input('x', ['N', 3, 12, 12]);
  const [w1, b1, w2, w3] = [
    noise(1, [16, 3, 3, 3], 2),
    noise(1, [16], 3),
    noise(1, [8, 16, 1, 1], 4),
    noise(1, [8, 5], 5),
  ].map(([tensor]) => model.constant(tensor!.data as Float32Array, tensor!.dims));
  const first = model.node('Conv', [x, w1!, b1!], { pads: [1, 1, 1, 1] });
  const relu = model.node('Relu', [first]);
  const pooled = model.node('MaxPool', [relu], { kernel_shape: [2, 2], strides: [2, 2] });
  const second = model.node('Conv', [pooled, w2!]);
  const mean = model.node('GlobalAveragePool', [second]);
  const logits = model.node('Gemm', [model.node('Flatten', [mean]), w3!]);
  model.output(logits, 'float32', ['N', 5]);
  return { model, names: { first: first.name, relu: relu.name, pooled: pooled.name, second: second.name } };
}

/** The greatest |value| of a named tensor over the samples, by a session that has it as its output. */
async function greatest(model: ModelBuilder, name: string, samples: readonly Tensor[]): Promise<number> {
  const value = [...model.graph.values()].find((candidate) => candidate.name === name)!;
  const outputs = [...model.graph.outputs];
  model.graph.outputs.splice(0, outputs.length, value);
  const session = await InferenceSession.create(model.bytes(), { threadsPerStream: 1 });
  model.graph.outputs.splice(0, 1, ...outputs);
  let result = 0;
  for (const x of samples) {
    const data = (await session.run({ x }))[name]!.data as Float32Array;
    for (const element of data) result = Math.max(result, Math.abs(element));
  }
  await session.release();
  return result;
}

describe('max', () => {
  it('scales by 255 after a ReLU and by 127 elsewhere, and pooling keeps the scale', async () => {
    const { model, names } = classifier();
    const samples = noise(5, [2, 3, 12, 12]);
    const { graph, summary } = await calibrated(model, samples);
    const input = Math.max(...samples.flatMap(({ data }) => [...(data as Float32Array)].map(Math.abs)));
    expect(quantizerOf(graph, 'x')).toMatchObject({ dtype: 'int8', scale: Math.fround(input / 127) });
    const relu = quantizerOf(graph, names.relu);
    expect(relu.dtype).toBe('uint8');
    expect(relu.scale).toBeCloseTo((await greatest(model, names.relu, samples)) / 255, 6);
    expect(quantizerOf(graph, names.pooled)).toMatchObject({ dtype: 'uint8', scale: relu.scale });
    expect(quantizerOf(graph, names.second)).toMatchObject({ dtype: 'int8' });
    expect(summary).toMatchObject({ algorithm: 'max', samples: 5, int8Nodes: 3, fp32Nodes: 0 });
    expect(summary.tensors.find(({ name }) => name === names.relu)).toMatchObject({
      dtype: 'uint8',
      clippedPercent: 0,
    });
  });

  it('leaves the logits in float and writes weights per channel with int32 biases', async () => {
    const { model, names } = classifier();
    const { graph } = await calibrated(model, noise(2, [1, 3, 12, 12]));
    expect(isQuantized(graph, graph.outputs[0]!)).toBe(false);
    const conv = [...graph.nodes].find(({ outputs }) => outputs[0]!.name === names.first)!;
    const [, weights, bias] = conv.inputs.map((value) => value!.producer);
    expect(weights!.inputs.map((value) => [value!.dtype, value!.shape])).toEqual([
      ['int8', [16, 3, 3, 3]],
      ['float32', [16]],
      ['int8', [16]],
    ]);
    expect(bias!.inputs[0]!.dtype).toBe('int32');
    const scales = bias!.inputs[1]!.constant!.toNumbers();
    const weightScales = weights!.inputs[1]!.constant!.toNumbers();
    const { scale } = quantizerOf(graph, 'x');
    scales.forEach((value, c) => expect(value).toBeCloseTo(scale * weightScales[c]!, 10));
  });
});

describe('KL', () => {
  it('clips where the rule of the original says', async () => {
    const model = new ModelBuilder(13);
    const x = model.input('x', ['N', 1, 8, 64]);
    model.output(
      model.node('Relu', [model.node('Conv', [x, model.constant([1], [1, 1, 1, 1])])]),
      'float32',
      ['N', 1, 8, 64],
    );
    // Exponential tails, so that clipping pays.
    const samples = noise(40, [1, 1, 8, 64]).map(
      ({ data, dims }) =>
        new Tensor(
          'float32',
          (data as Float32Array).map((u) => -Math.sign(u) * Math.log(1 - Math.abs(u))),
          dims,
        ),
    );
    const { graph, summary } = await calibrated(model, samples, { algo: 'KL' });
    const all = samples.flatMap(({ data }) => [...(data as Float32Array)].map(Math.abs));
    const width = Math.max(...all) / 2048;
    const histogram = new Array<number>(2048).fill(0);
    for (const value of all) histogram[Math.min(2047, Math.floor(value / width))]! += 1;
    const [bins] = [...divergences(histogram)].reduce((best, one) => (one[1] < best[1] ? one : best));
    const threshold = (bins + 0.5) * width;
    // The native histogram is finer than the rule's but not aligned with it, hence a few bins.
    expect(Math.abs(quantizerOf(graph, 'x').scale * 127 - threshold)).toBeLessThan(64 * width);
    expect(summary.tensors[0]!.clippedPercent).toBeGreaterThan(0);
  });
});

describe('scale groups', () => {
  it('gives all inputs of a concat and its result one scale', async () => {
    const model = new ModelBuilder(13);
    const x = model.input('x', [1, 4, 6, 6]);
    const branch = (factor: number) =>
      model.node('Relu', [
        model.node('Conv', [x, model.constant(new Float32Array(32).fill(factor), [8, 4, 1, 1])]),
      ]);
    const [a, b] = [branch(0.1), branch(2)];
    const joined = model.node('Concat', [a, b], { axis: 1 });
    const last = model.node('Conv', [joined, model.constant(new Float32Array(64).fill(0.5), [4, 16, 1, 1])]);
    model.output(model.node('Sigmoid', [last]), 'float32', [1, 4, 6, 6]);
    const { graph } = await calibrated(model, noise(3, [1, 4, 6, 6]));
    const scales = [a, b, joined].map(({ name }) => quantizerOf(graph, name).scale);
    expect(new Set(scales).size).toBe(1);
  });

  it('leaves data movement between FP32 operators in FP32', async () => {
    const model = new ModelBuilder(13);
    const x = model.input('x', [1, 4, 6, 6]);
    const conv = model.node('Conv', [x, model.constant(new Float32Array(16).fill(0.5), [4, 4, 1, 1])]);
    const moved = model.node('Transpose', [model.node('Tanh', [conv])], { perm: [0, 2, 3, 1] });
    model.output(model.node('Exp', [moved]), 'float32', [1, 6, 6, 4]);
    const { graph } = await calibrated(model, noise(2, [1, 4, 6, 6]));
    expect(
      [...graph.nodes].filter(({ op }) => op === 'QuantizeLinear').map(({ inputs }) => inputs[0]!.name),
    ).not.toContain(moved.name);
  });

  it('keeps what INT8 made in INT8 while it is only moved, which onnxruntime needs to load newer opsets', async () => {
    const model = new ModelBuilder(21);
    const x = model.input('x', [1, 4, 6, 6]);
    const conv = model.node('Conv', [x, model.constant(new Float32Array(16).fill(0.5), [4, 4, 1, 1])]);
    const pooled = model.node('MaxPool', [conv], { kernel_shape: [2, 2] });
    const moved = model.node('Transpose', [pooled], { perm: [0, 1, 3, 2] });
    model.output(model.node('Tanh', [moved]), 'float32', [1, 4, 5, 5]);
    const { graph, bytes } = await calibrated(model, noise(2, [1, 4, 6, 6]));
    const scales = [conv, pooled, moved].map(({ name }) => quantizerOf(graph, name).scale);
    expect(new Set(scales).size).toBe(1);
    await (await ort.InferenceSession.create(bytes)).release();
  });

  it('keeps the first convolution or the fully connected layer in FP32 where it is told to', async () => {
    const { model, names } = classifier();
    const samples = noise(2, [1, 3, 12, 12]);
    const first = await calibrated(model, samples, { firstConv: 'fp32' });
    expect(isQuantized(first.graph, 'x')).toBe(false);
    expect(isQuantized(first.graph, names.relu)).toBe(true);
    expect(first.summary).toMatchObject({ int8Nodes: 2, fp32Nodes: 1 });
    const fully = await calibrated(model, samples, { fullyConnected: 'fp32' });
    expect(fully.summary).toMatchObject({ int8Nodes: 2, fp32Nodes: 1 });
    expect([...fully.graph.nodes].find(({ op }) => op === 'Gemm')!.inputs[1]!.constant!.dtype).toBe(
      'float32',
    );
  });
});

describe('the saved file', () => {
  it('has a receipt and is the same, byte for byte, when the same samples come again', async () => {
    const { model } = classifier();
    const samples = noise(3, [1, 3, 12, 12]);
    const [one, two] = [
      await calibrated(model, samples, { algo: 'KL' }),
      await calibrated(model, samples, { algo: 'KL' }),
    ];
    expect(Buffer.compare(one.bytes, two.bytes)).toBe(0);
    const receipt = one.graph.metadata;
    expect(receipt.get('calibr8.algorithm')).toBe('KL');
    expect(receipt.get('calibr8.samples')).toBe('3');
    expect(receipt.get('calibr8.samples_sha256')).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is raised to opset 13 from an older one and gives the same answers', async () => {
    const model = new ModelBuilder(9);
    const x = model.input('x', [1, 4, 6, 6]);
    const conv = model.node('Conv', [
      x,
      model.constant(noise(1, [8, 4, 3, 3], 7)[0]!.data as Float32Array, [8, 4, 3, 3]),
    ]);
    const clipped = model.node('Clip', [conv], { min: { float: 0 }, max: { float: 6 } });
    const flat = model.node('Squeeze', [model.node('GlobalAveragePool', [clipped])], { axes: [2, 3] });
    model.output(model.node('Softmax', [flat]), 'float32', [1, 8]);
    const samples = noise(4, [1, 4, 6, 6]);
    const { graph, bytes } = await calibrated(model, samples);
    expect(graph.opset).toBe(13);
    const fp32 = await InferenceSession.create(model.bytes());
    const int8 = await InferenceSession.create(bytes);
    const name = fp32.outputNames[0]!;
    const [a, b] = [await fp32.run({ x: samples[0]! }), await int8.run({ x: samples[0]! })].map(
      (outputs) => outputs[name]!.data as Float32Array,
    );
    a!.forEach((value, i) => expect(b![i]).toBeCloseTo(value, 1));
    await Promise.all([fp32.release(), int8.release()]);
  });

  it('keeps only the outputs that are fetched', async () => {
    const { model, names } = classifier();
    const value = [...model.graph.values()].find(({ name }) => name === names.second)!;
    model.output(value, 'float32', ['N', 8, 6, 6]);
    const { graph } = await calibrated(model, noise(1, [1, 3, 12, 12]), { fetchNames: [names.second] });
    expect(graph.outputs.map(({ name }) => name)).toEqual([names.second]);
    expect([...graph.nodes].some(({ op }) => op === 'Gemm')).toBe(false);
  });
});

describe('wrong uses', () => {
  it('refuses to save without a sample, and leaves the old file alone', () =>
    withFolder(async (folder) => {
      const output = join(folder, 'int8.onnx');
      writeFileSync(output, 'precious');
      const calibrator = await Calibrator.create({ model: classifier().model.bytes(), output });
      await expect(calibrator.saveInt8Model()).rejects.toMatchObject({
        code: 'INVALID_STATE',
        message: expect.stringContaining('sampleData()'),
      });
      expect(readFileSync(output, 'utf8')).toBe('precious');
      await calibrator.release();
    }));

  it('names the tensor that holds NaN or Infinity, and forgets that run', async () => {
    const calibrator = await Calibrator.create({
      model: classifier().model.bytes(),
      output: 'unwritten.onnx',
    });
    for (const bad of [NaN, Infinity]) {
      const [x] = noise(1, [1, 3, 12, 12]);
      (x!.data as Float32Array)[7] = bad;
      await calibrator.run({ x: x! });
      await expect(calibrator.sampleData()).rejects.toMatchObject({
        code: 'NON_FINITE_VALUE',
        message: expect.stringContaining('tensor "x"'),
      });
    }
    await expect(calibrator.saveInt8Model()).rejects.toMatchObject({ code: 'INVALID_STATE' });
    await calibrator.release();
  });

  it('refuses a model that is already quantized', async () => {
    const { bytes } = await calibrated(classifier().model, noise(1, [1, 3, 12, 12]));
    await expect(Calibrator.create({ model: bytes })).rejects.toMatchObject({
      code: 'ALREADY_QUANTIZED',
      message: expect.stringContaining('QuantizeLinear'),
    });
  });

  it('refuses steps out of order, unknown options and closed calibrators', async () => {
    const model = classifier().model.bytes();
    const create = (options: object) => Calibrator.create({ model, ...options });
    await expect(create({ algo: 'entropy' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('max'),
    });
    await expect(create({ firstConv: 'int4' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(create({ alog: 'max' })).rejects.toMatchObject({
      message: expect.stringContaining('"alog"'),
    });
    await expect(create({ fetchNames: ['nothing'] })).rejects.toMatchObject({
      message: expect.stringContaining('"nothing"'),
    });
    await expect(create({ feedNames: ['x', 'y'] })).rejects.toMatchObject({
      message: expect.stringContaining('"y"'),
    });
    await expect(create({ output: '/nowhere/x.onnx' })).rejects.toMatchObject({
      code: 'FILE_ACCESS',
      message: expect.stringContaining('folder /nowhere does not exist'),
    });
    await expect(create({ threads: 0 })).rejects.toMatchObject({
      message: expect.stringContaining('for threads'),
    });
    const calibrator = await create({});
    await expect(calibrator.sampleData()).rejects.toMatchObject({ code: 'INVALID_STATE' });
    const [x] = noise(1, [1, 3, 12, 12]);
    await calibrator.run({ x: x! });
    await calibrator.sampleData();
    await expect(calibrator.sampleData()).rejects.toMatchObject({ code: 'INVALID_STATE' });
    await expect(calibrator.saveInt8Model('/nowhere/x.onnx')).rejects.toMatchObject({ code: 'FILE_ACCESS' });
    expect(existsSync('/nowhere')).toBe(false);
    await calibrator.release();
    await expect(calibrator.run({ x: x! })).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
  });

  it('refuses an output that is a folder before anything is measured', () =>
    withFolder(async (folder) => {
      const creating = Calibrator.create({ model: classifier().model.bytes(), output: folder });
      await expect(creating).rejects.toMatchObject({
        code: 'FILE_ACCESS',
        message: expect.stringMatching(/^Cannot write .*: a folder or special file stands there/),
      });
    }));

  it('never replaces the FP32 model', () =>
    withFolder(async (folder) => {
      const model = join(folder, 'fp32.onnx');
      const bytes = classifier().model.bytes();
      writeFileSync(model, bytes);
      await expect(Calibrator.create({ model, output: model })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
      const calibrator = await Calibrator.create({ model });
      await calibrator.run({ x: noise(1, [1, 3, 12, 12])[0]! });
      await calibrator.sampleData();
      await expect(calibrator.saveInt8Model(join(folder, '.', 'fp32.onnx'))).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('FP32 model'),
      });
      expect(Buffer.compare(readFileSync(model), bytes)).toBe(0);
      await calibrator.release();
    }));

  it('refuses a network with nothing to quantize', async () => {
    const model = new ModelBuilder(13);
    model.output(model.node('Relu', [model.input('x', [1, 4])]), 'float32', [1, 4]);
    await expect(Calibrator.create({ model: model.bytes() })).rejects.toMatchObject({
      code: 'UNSUPPORTED_OPERATOR',
      message: expect.stringContaining('nothing to calibrate'),
    });
  });
});
