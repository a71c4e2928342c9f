import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { Calibrator, InferenceSession, Tensor, type CalibratorOptions } from '../../lib';
import type { Graph, Value } from '../../lib/graph/graph';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { calibrated, noise, withFolder } from './calibrated';
import { equalizable } from './equalizable';

/** Networks and calls that are unusual, each for itself; refinement.test.ts shows that refinement helps. */

const ALL: Partial<CalibratorOptions> = {
  algo: 'auto',
  biasCorrection: true,
  equalization: true,
  rounding: 'learned',
};

type Outputs = Record<string, Float32Array>;

async function answers(model: Uint8Array, inputs: readonly Tensor[]): Promise<Outputs[]> {
  const session = await InferenceSession.create(model, { threadsPerStream: 1 });
  const results: Outputs[] = [];
  for (const x of inputs) {
    const outputs = await session.run({ x });
    results.push(
      Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data as Float32Array])),
    );
  }
  await session.release();
  return results;
}

/** By how much an output's mean differs from FP32's, for each channel of [1, channels, ...]. */
async function meanErrors(
  fp32: Uint8Array,
  int8: Uint8Array,
  inputs: readonly Tensor[],
  output: Value,
  channels: number,
): Promise<number[]> {
  const [a, b] = [await answers(fp32, inputs), await answers(int8, inputs)];
  const errors = new Array<number>(channels).fill(0);
  a.forEach((outputs, sample) => {
    const values = outputs[output.name]!;
    const inner = values.length / channels;
    values.forEach((value, i) => {
      const difference = value - b[sample]![output.name]![i]!;
      errors[Math.floor(i / inner)]! += difference / (inner * a.length);
    });
  });
  return errors;
}

const greatest = (values: readonly number[]): number => Math.max(...values.map(Math.abs));

/** Row-major, [size, size]. */
const identity = (size: number): number[] =>
  Array.from({ length: size * size }, (_, i) => Number(i % (size + 1) === 0));

/** A stored constant of the QDQ file, by the name of what it was. */
function stored(graph: Graph, dtype: string, of: string): Int8Array | Int32Array {
  const found = [...graph.values()].find(
    ({ name, constant }) => constant?.dtype === dtype && name.startsWith(of) && !name.includes('zero_point'),
  );
  return found!.constant!.array as Int8Array | Int32Array;
}

describe('layers that refinement has to take as they are', () => {
  const random = new Random(3);
  const weights = (model: ModelBuilder, dims: number[], size = 1): Value =>
    model.constant(random.floats(dims.reduce((a, b) => a * b), -size, size), dims); // prettier-ignore

  it('keeps a Gemm in INT8 whose beta has no bias to scale', async () => {
    const model = new ModelBuilder();
    const x = model.input('x', ['N', 8]);
    const y = model.node('Gemm', [x, weights(model, [8, 4])], { beta: { float: 0.5 } });
    model.output(y, 'float32', ['N', 4]);
    const { summary, bytes } = await calibrated(model, noise(6, [8, 8]), ALL);
    expect(summary).toMatchObject({ int8Nodes: 1, fp32Nodes: 0 });
    const session = await InferenceSession.create(bytes, { threadsPerStream: 1 });
    expect(session.precision).toBe('int8');
    await session.release();
  });

  it('takes a bias of one number for every channel', async () => {
    const model = new ModelBuilder();
    const x = model.input('x', ['N', 8]);
    const y = model.node('Gemm', [x, weights(model, [8, 4]), model.constant([0.7], [1])]);
    model.output(y, 'float32', ['N', 4]);
    const samples = noise(6, [8, 8]);
    for (const options of [{}, ALL]) {
      const { bytes } = await calibrated(model, samples, options);
      const [a, b] = [await answers(model.bytes(), samples), await answers(bytes, samples)];
      a.forEach((one, i) =>
        one[y.name]!.forEach((value, k) => expect(Math.abs(value - b[i]![y.name]![k]!)).toBeLessThan(0.06)),
      );
    }
  });

  it('refines layers that read a constant', async () => {
    const model = new ModelBuilder();
    const x = model.input('x', [1, 3, 4, 4]);
    const learned = model.node('Conv', [weights(model, [1, 3, 4, 4]), weights(model, [3, 3, 1, 1])]);
    const product = model.node('Mul', [learned, model.node('Conv', [x, weights(model, [3, 3, 1, 1])])]);
    model.output(product, 'float32', [1, 3, 4, 4]);
    const { summary } = await calibrated(model, noise(4, [1, 3, 4, 4]), ALL);
    expect(summary.int8Nodes).toBe(2);
  });

  it('rounds to the nearest where a row has more weights than moments fit into memory', async () => {
    const model = new ModelBuilder();
    const x = model.input('x', ['N', 70000]);
    const y = model.node('Gemm', [x, weights(model, [70000, 2])]);
    model.output(y, 'float32', ['N', 2]);
    const samples = noise(3, [1, 70000]);
    const [nearest, learned] = [
      await calibrated(model, samples),
      await calibrated(model, samples, { rounding: 'learned' }),
    ];
    const levels = ({ graph }: typeof learned): Buffer => Buffer.from(stored(graph, 'int8', 'Gemm'));
    expect(levels(learned).equals(levels(nearest))).toBe(true);
  });

  it('learns the rounding of activations whose squares leave float32', async () => {
    const size = 1e22;
    const model = new ModelBuilder();
    const x = model.input('x', ['N', 40]);
    const y = model.node('Gemm', [x, weights(model, [40, 4])]);
    model.output(y, 'float32', ['N', 4]);
    // What a row has in common is what rounding can exploit.
    const scaled = noise(8, [32, 41]).map(({ data }) => {
      const rows = Float32Array.from({ length: 32 * 40 }, (_, i) => {
        const row = 41 * Math.floor(i / 40);
        return ((data[row + 40] as number) + 0.05 * (data[row + (i % 40)] as number)) * size;
      });
      return new Tensor('float32', rows, [32, 40]);
    });
    const error = async (options: Partial<CalibratorOptions>): Promise<number> => {
      const { bytes } = await calibrated(model, scaled, options);
      const [a, b] = [await answers(model.bytes(), scaled), await answers(bytes, scaled)];
      const squares = a.flatMap((one, i) =>
        [...one[y.name]!].map((value, k) => ((value - b[i]![y.name]![k]!) / size) ** 2),
      );
      return squares.reduce((sum, square) => sum + square, 0);
    };
    // About the mean, which is the bias's part.
    const corrected = await error({ biasCorrection: true });
    expect(await error({ biasCorrection: true, rounding: 'learned' })).toBeLessThan(0.7 * corrected);
  });

  it.each([
    ['no bias is corrected', 'Gemm', { rounding: 'learned' }],
    ['there is no place for a bias', 'MatMul', { rounding: 'learned', biasCorrection: true }],
  ] as const)('learns a rounding that does not shift the output where %s', async (_, op, options) => {
    const model = new ModelBuilder();
    const dims = op === 'Gemm' ? [32, 64] : [2, 16, 64];
    const x = model.input('x', [null, ...dims.slice(1)]);
    const y = model.node(op, [x, weights(model, [64, 8])]);
    model.output(y, 'float32', [null, ...dims.slice(1, -1), 8]);
    const far = noise(8, dims).map(
      ({ data }) =>
        new Tensor(
          'float32',
          (data as Float32Array).map((value) => 5 + value),
          dims,
        ),
    );
    const error = async (given: Partial<CalibratorOptions>): Promise<number> => {
      const { bytes } = await calibrated(model, far, given);
      const [a, b] = [await answers(model.bytes(), far), await answers(bytes, far)];
      const differences = a.flatMap((one, i) => [...one[y.name]!].map((v, k) => v - b[i]![y.name]![k]!));
      return differences.reduce((sum, difference) => sum + difference ** 2, 0);
    };
    expect(await error(options)).toBeLessThan(0.7 * (await error({})));
  });

  it('pads each sample by its own size, so that the order of samples decides nothing', async () => {
    const model = new ModelBuilder();
    const x = model.input('x', [1, 4, 'H', 'W']);
    const y = model.node('Conv', [x, weights(model, [8, 4, 3, 3])], {
      auto_pad: 'SAME_UPPER',
      strides: [2, 2],
    });
    model.output(y, 'float32', [1, 8, null, null]);
    const [even, odd] = [noise(3, [1, 4, 6, 6]), noise(3, [1, 4, 7, 7], 5)];
    const levels = async (samples: readonly Tensor[]): Promise<number[]> => {
      const { graph } = await calibrated(model, samples, { rounding: 'learned' });
      return [...stored(graph, 'int8', 'Conv')];
    };
    expect(await levels([...even, ...odd])).toEqual(await levels([...odd, ...even]));
  });

  it('refines 1-D, 3-D, grouped, dilated and rank-3 layers on samples of several shapes', async () => {
    const cases: [ModelBuilder, Tensor[]][] = [];
    const line = new ModelBuilder();
    const relu = line.node('Relu', [
      line.node('Conv', [line.input('x', ['N', 4, 'L']), weights(line, [8, 2, 3]), weights(line, [8])], {
        group: 2,
        dilations: [2],
        pads: [1, 3],
      }),
    ]);
    line.output(line.node('Conv', [relu, weights(line, [4, 8, 1])]), 'float32', ['N', 4, null]);
    cases.push([line, [...noise(4, [2, 4, 9]), ...noise(4, [1, 4, 14], 4)]]);
    const volume = new ModelBuilder();
    const first = volume.node(
      'Conv',
      [volume.input('x', ['N', 2, 'D', 'H', 'W']), weights(volume, [8, 2, 3, 3, 3])],
      { strides: [1, 2, 1], pads: [1, 0, 1, 0, 1, 1] },
    );
    const second = volume.node('Conv', [volume.node('Relu', [first]), weights(volume, [4, 8, 1, 1, 1])]);
    volume.output(second, 'float32', ['N', 4, null, null, null]);
    cases.push([volume, [...noise(4, [1, 2, 5, 6, 7]), ...noise(4, [1, 2, 4, 5, 5], 4)]]);
    const rows = new ModelBuilder();
    const hidden = rows.node('Relu', [
      rows.node('MatMul', [rows.input('x', ['N', 'T', 8]), weights(rows, [8, 16])]),
    ]);
    rows.output(rows.node('MatMul', [hidden, weights(rows, [16, 3])]), 'float32', ['N', 'T', 3]);
    cases.push([rows, [...noise(4, [1, 5, 8]), ...noise(4, [2, 7, 8], 4)]]);
    for (const [model, samples] of cases) {
      const { bytes } = await calibrated(model, samples, ALL);
      const [a, b] = [await answers(model.bytes(), samples), await answers(bytes, samples)];
      let [signal, error] = [0, 0];
      a.forEach((one, i) =>
        Object.entries(one).forEach(([name, values]) =>
          values.forEach((value, k) => {
            signal += value ** 2;
            error += (value - b[i]![name]![k]!) ** 2;
          }),
        ),
      );
      expect(10 * Math.log10(signal / error)).toBeGreaterThan(35);
    }
  });

  it('names weights that are no numbers as the model does', async () => {
    const model = new ModelBuilder();
    const relu = model.node('Relu', [model.node('Conv', [model.input('x', [1, 3, 5, 5]), weights(model, [8, 3, 3, 3])])]); // prettier-ignore
    const broken = model.constant(new Float32Array(64).fill(NaN), [8, 8, 1, 1]);
    model.output(model.node('Conv', [relu, broken]), 'float32', [1, 8, 3, 3]);
    await expect(calibrated(model, noise(4, [1, 3, 5, 5]), ALL)).rejects.toMatchObject({
      code: 'NON_FINITE_VALUE',
      message: expect.stringContaining(`"${broken.name}"`),
    });
  });
});

describe('what biases are corrected for', () => {
  /** Reads a range that a person set too narrow, so that its mean is wrong. */
  const narrow = (name: string, range: number): Partial<CalibratorOptions> => ({
    biasCorrection: true,
    overrides: [{ match: name, range }],
  });
  const samples = noise(12, [1, 4, 6, 6]);

  it('a sum that broadcasting spreads over channels is not: each channel has an error of its own', async () => {
    const random = new Random(3);
    const model = new ModelBuilder();
    const weights = (dims: number[]): Value =>
      model.constant(random.floats(dims.reduce((a, b) => a * b), -1, 1), dims); // prettier-ignore
    const x = model.input('x', [1, 4, 6, 6]);
    const scaled = random.floats(8 * 4, -1, 1).map((value, i) => (i < 4 ? 20 * value : value));
    const wide = model.node('Relu', [model.node('Conv', [x, model.constant(scaled, [8, 4, 1, 1])])]);
    const gate = model.node('Conv', [x, weights([1, 4, 1, 1]), weights([1])]);
    const sum = model.node('Add', [gate, wide]);
    model.output(model.node('Conv', [wide, weights([2, 8, 1, 1])]), 'float32', [1, 2, 6, 6]);
    model.output(sum, 'float32', [1, 8, 6, 6]);
    const { bytes } = await calibrated(model, samples, narrow(wide.name, 3));
    const errors = await meanErrors(model.bytes(), bytes, samples, sum, 8);
    expect(Math.abs(errors[0]!)).toBeGreaterThan(0.3);
    expect(greatest(errors.slice(1))).toBeLessThan(0.05);
  });

  it("a network's output is, where an activation reads it too", async () => {
    const random = new Random(4);
    const model = new ModelBuilder();
    const x = model.input('x', [1, 4, 6, 6]);
    const positive = model.constant(random.floats(16, 0.1, 1), [4, 4, 1, 1]);
    const first = model.node('Relu', [model.node('Conv', [x, positive])]);
    // So far below zero that the ReLU gives next to nothing.
    const low = model.constant([-5, -5, -5, -5], [4]);
    const y = model.node('Conv', [first, positive, low]);
    model.output(y, 'float32', [1, 4, 6, 6]);
    model.output(model.node('Conv', [model.node('Relu', [y]), positive]), 'float32', [1, 4, 6, 6]);
    const error = async (biasCorrection: boolean): Promise<number> => {
      const { bytes } = await calibrated(model, samples, { ...narrow(first.name, 0.3), biasCorrection });
      return greatest(await meanErrors(model.bytes(), bytes, samples, y, 4));
    };
    expect(await error(true)).toBeLessThan(0.2 * (await error(false)));
  });

  it('channels whose weights are tiny or zero can be, and their bias fits int32 in onnxruntime too', async () => {
    const random = new Random(5);
    const model = new ModelBuilder();
    const x = model.input('x', [1, 4, 6, 6]);
    const relu = model.node('Relu', [
      model.node('Conv', [x, model.constant(random.floats(16), [4, 4, 1, 1])]),
    ]);
    const tiny = random.floats(16).map((value, i) => value * [0, 1e-20, 2e-6, 1e-5][Math.floor(i / 4)]!);
    const branch = model.node('Conv', [relu, model.constant(tiny, [4, 4, 1, 1])]);
    const sum = model.node('Relu', [model.node('Add', [branch, relu])]);
    // Stays FP32, so that no bias of its own hides what is left.
    const shown = model.node('Conv', [sum, model.constant(identity(4), [4, 4, 1, 1])]);
    model.output(shown, 'float32', [1, 4, 6, 6]);
    const error = async (biasCorrection: boolean): Promise<number[]> => {
      const { bytes, graph } = await calibrated(model, samples, {
        ...narrow(relu.name, 0.3),
        residuals: 'exact',
        exclude: [shown.producer!.name],
        biasCorrection,
      });
      if (biasCorrection) {
        const bias = stored(graph, 'int32', branch.producer!.name);
        expect(greatest([...bias])).toBeLessThanOrEqual(2 ** 30);
        await expectLikeOnnxruntime(bytes, samples, shown);
      }
      return meanErrors(model.bytes(), bytes, samples, shown, 4);
    };
    const [before, after] = [await error(false), await error(true)];
    before.forEach((value, channel) => {
      expect(Math.abs(value)).toBeGreaterThan(0.02);
      expect(Math.abs(after[channel]!)).toBeLessThan(0.2 * Math.abs(value));
    });
  });

  it('what a mask of minus infinity hides keeps its bias', async () => {
    const random = new Random(6);
    const model = new ModelBuilder();
    const [x, mask] = [model.input('x', [1, 8]), model.input('mask', [1, 4])];
    const product = model.node('Gemm', [x, model.constant(random.floats(32), [8, 4]), model.constant([1, 2, 3, 4], [4])]); // prettier-ignore
    const y = model.node('Add', [product, mask]);
    model.output(y, 'float32', [1, 4]);
    await withFolder(async (folder) => {
      const output = join(folder, 'int8.onnx');
      const calibrator = await Calibrator.create({ model: model.bytes(), output, threads: 1, ...ALL });
      const hidden = new Tensor('float32', Float32Array.of(0, -Infinity, 0, 0), [1, 4]);
      const open = new Tensor('float32', new Float32Array(4), [1, 4]);
      const inputs = noise(6, [1, 8]);
      for (const one of inputs) {
        await calibrator.run({ x: one, mask: hidden });
        await calibrator.sampleData();
      }
      await calibrator.saveInt8Model();
      await calibrator.release();
      const run = async (bytes: Uint8Array): Promise<Float32Array> => {
        const session = await InferenceSession.create(bytes, { threadsPerStream: 1 });
        const outputs = await session.run({ x: inputs[0]!, mask: open });
        await session.release();
        return outputs[y.name]!.data as Float32Array;
      };
      const [a, b] = [await run(model.bytes()), await run(readFileSync(output))];
      a.forEach((value, i) => expect(Math.abs(value - b[i]!)).toBeLessThan(0.05));
    });
  });
});

async function expectLikeOnnxruntime(bytes: Uint8Array, inputs: readonly Tensor[], y: Value): Promise<void> {
  const ours = await answers(bytes, inputs);
  const session = await ort.InferenceSession.create(bytes);
  for (const [i, x] of inputs.entries()) {
    const theirs = await session.run({ x: new ort.Tensor('float32', x.data as Float32Array, x.dims) });
    const data = theirs[y.name]!.data as Float32Array;
    ours[i]![y.name]!.forEach((value, k) => expect(Math.abs(value - data[k]!)).toBeLessThan(0.01));
  }
  await session.release();
}

describe('equalization', () => {
  const samples = noise(16, [1, 3, 8, 8]);

  it('keeps to an override that names the operator which it replaced', async () => {
    const { model, clip } = equalizable();
    const { summary } = await calibrated(model, samples, {
      equalization: true,
      algo: 'mse',
      overrides: [
        { match: 'op:Clip', observer: 'percentile' },
        { match: 'x', observer: 'max' },
      ],
    });
    expect(summary.refinement!.equalizedTensors).toBe(1);
    expect(summary.tensors.find(({ name }) => name === clip.name)!.observer).toBe('percentile');
  });

  it('lifts the limits of old models, whose Clip has attributes', async () => {
    const { summary } = await calibrated(equalizable(7).model, samples, { equalization: true });
    expect(summary.refinement!.equalizedTensors).toBe(1);
  });
});
