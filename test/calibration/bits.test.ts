import fc from 'fast-check';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import * as ort from 'onnxruntime-node';
import {
  Calibrator,
  compareNetworks,
  InferenceSession,
  mergeTables,
  type CalibratorOptions,
  type Override,
} from '../../lib';
import type { Graph } from '../../lib/graph/graph';
import { writeModel } from '../../lib/onnx';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { calibrated, noise, quantizerOf, withFolder } from './calibrated';

const SHAPE = [1, 4, 8, 8];
const samples = noise(16, SHAPE);
const others = noise(4, SHAPE, 99);
const { model, names } = network();

/** Convolutions with a ReLU, with a hard-swish and with a residual, pooling, a fully connected layer. */
function network() {
  const model = new ModelBuilder(14);
  const random = new Random(7);
  const weights = (...dims: number[]) => {
    const count = dims.reduce((a, b) => a * b, 1);
    const reach = Math.sqrt(6 / (count / dims[0]!));
    return model.constant(random.floats(count, -reach, reach), dims);
  };
  const pads = { pads: [1, 1, 1, 1] };
  const a = model.node('Relu', [model.node('Conv', [model.input('x', SHAPE), weights(16, 4, 3, 3)], pads)]);
  const pooled = model.node('MaxPool', [a], { kernel_shape: [2, 2], strides: [2, 2] });
  const b = model.node('Conv', [pooled, weights(16, 16, 3, 3), weights(16)], pads);
  const sum = model.node('Add', [pooled, b]);
  const swish = model.node('HardSwish', [sum]);
  const c = model.node('Conv', [swish, weights(8, 16, 1, 1)]);
  const flat = model.node('Flatten', [model.node('Relu', [c])]);
  model.output(model.node('Gemm', [flat, weights(8 * 16, 10)]), 'float32', [1, 10]);
  const nodeOf = (op: string, index: number): string =>
    [...model.graph.nodes].filter((node) => node.op === op)[index]!.name;
  return {
    model,
    names: { a: a.name, first: nodeOf('Conv', 0), second: nodeOf('Conv', 1), third: nodeOf('Conv', 2) },
  };
}

const withBits = (overrides: Override[], options: Partial<CalibratorOptions> = {}) =>
  calibrated(model, samples, { ...options, overrides });

/** The stored weights of every layer, by its name. */
function weightsOf(graph: Graph): Map<string, number[]> {
  const layers = [...graph.nodes].filter(({ op }) => ['Conv', 'Gemm', 'MatMul'].includes(op));
  return new Map(
    layers.map(({ name, inputs }) => [name, inputs[1]!.producer!.inputs[0]!.constant!.toNumbers()]),
  );
}

const greatest = (values: readonly number[]): number => Math.max(...values.map(Math.abs));

/** The file without the receipt's list of overrides. */
async function unreceipted(graph: Graph): Promise<Buffer> {
  graph.metadata.delete('calibr8.overrides');
  return Buffer.from(await Promise.resolve(writeModel(graph)));
}

async function answersHere(bytes: Uint8Array, inputs = others): Promise<number[]> {
  const session = await InferenceSession.create(bytes, { threadsPerStream: 1 });
  const answers: number[] = [];
  for (const x of inputs)
    answers.push(...((await session.run({ x }))[session.outputNames[0]!]!.data as Float32Array));
  await session.release();
  return answers;
}

async function answersOfOnnxruntime(bytes: Uint8Array): Promise<number[]> {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const answers: number[] = [];
  for (const { data, dims } of others) {
    const x = new ort.Tensor('float32', data as Float32Array, dims);
    answers.push(...((await session.run({ x }))[session.outputNames[0]!]!.data as Float32Array));
  }
  await session.release();
  return answers;
}

function decibels(reference: readonly number[], values: readonly number[]): number {
  const signal = reference.reduce((sum, x) => sum + x * x, 0);
  return 10 * Math.log10(signal / reference.reduce((sum, x, i) => sum + (x - values[i]!) ** 2, 0));
}

describe('bits of an override', () => {
  it('limit the levels of weights and tensors, whose scales follow, for any ranges', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 8 }),
        fc.integer({ min: 2, max: 8 }),
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.constantFrom('max' as const, 'mse' as const),
        async (weights, activations, range, weightScales) => {
          const override = { match: '**', range, bits: { weights, activations } };
          const { graph, summary } = await withBits([override], { weightScales });
          for (const levels of weightsOf(graph).values())
            expect(greatest(levels)).toBe(2 ** (weights - 1) - 1);
          const signed = 2 ** (activations - 1) - 1;
          expect(quantizerOf(graph, activations < 8 ? 'x_clipped' : 'x')).toMatchObject({
            scale: Math.fround(range / signed),
            dtype: 'int8',
          });
          const clipped = activations < 8 ? `${names.a}_clipped` : names.a;
          expect(quantizerOf(graph, clipped)).toMatchObject({
            scale: Math.fround(range / (2 ** activations - 1)),
            dtype: 'uint8',
          });
          for (const { threshold, bits } of summary.tensors)
            expect({ threshold, bits }).toEqual({ threshold: range, bits: activations });
        },
      ),
      { numRuns: 20 },
    );
  });

  it('clip in effect at the range, here and in onnxruntime', async () => {
    const identity = new ModelBuilder(13);
    const one = identity.constant(Float32Array.of(1), [1, 1, 1, 1]);
    const y = identity.node('Conv', [identity.input('x', [1, 1, 1, 7]), one]);
    identity.output(y, 'float32', [1, 1, 1, 7]);
    const overrides = [{ match: 'x', range: 3, bits: { activations: 3 } }];
    const { bytes } = await calibrated(identity, noise(2, [1, 1, 1, 7]), { overrides });
    const x = Float32Array.of(-100, -3.4, -1.2, 0, 0.6, 2.9, 50);
    const session = await InferenceSession.create(bytes);
    const { [session.outputNames[0]!]: ours } = await session.run({
      x: new ort.Tensor('float32', x, [1, 1, 1, 7]) as never,
    });
    await session.release();
    const peer = await ort.InferenceSession.create(bytes);
    const theirs = await peer.run({ x: new ort.Tensor('float32', x, [1, 1, 1, 7]) });
    await peer.release();
    for (const { data } of [ours!, theirs[peer.outputNames[0]!]!])
      expect([...(data as Float32Array)]).toEqual(
        [-3, -3, -1, 0, 1, 3, 3].map((v) => expect.closeTo(v, 5) as number),
      );
  });

  it.each<[string, Partial<CalibratorOptions>]>([
    ['by default', {}],
    ['with zero points', { activations: 'asymmetric' }],
    [
      'with every refinement',
      { biasCorrection: true, equalization: true, scaleSearch: true, rounding: 'learned' },
    ],
    ['with residuals that are rounded', { residuals: 'rounded', algo: 'mse' }],
  ])('of 8 change nothing, and of fewer give the answers that onnxruntime gives: %s', async (_, options) => {
    const [without, eight, five] = [
      await withBits([], options),
      await withBits([{ match: '**', bits: 8 }], options),
      await withBits([{ match: '**', bits: 5 }], options),
    ];
    expect(Buffer.compare(await unreceipted(eight.graph), await unreceipted(without.graph))).toBe(0);
    for (const levels of weightsOf(five.graph).values()) expect(greatest(levels)).toBeLessThanOrEqual(15);
    const [here, there] = [await answersHere(five.bytes), await answersOfOnnxruntime(five.bytes)];
    expect(decibels(there, here)).toBeGreaterThan(30);
  });

  it('cost about 6 dB each', async () => {
    // On the samples themselves, beyond whose ranges nothing lies: clipping others costs the same with any bits.
    const reference = await answersHere(model.bytes(), samples);
    const quality: number[] = [];
    for (const bits of [8, 7, 6, 5, 4]) {
      const { bytes } = await withBits([{ match: '**', bits }]);
      quality.push(decibels(reference, await answersHere(bytes, samples)));
    }
    const cost = (quality[0]! - quality.at(-1)!) / 4;
    expect(cost).toBeGreaterThan(5);
    expect(cost).toBeLessThan(7);
    for (let i = 1; i < quality.length; ++i) {
      expect(quality[i - 1]! - quality[i]!).toBeGreaterThan(3.5);
      expect(quality[i - 1]! - quality[i]!).toBeLessThan(8.5);
    }
  });

  it('hold for a node, its weights and its result, and for a tensor alone', async () => {
    const { graph, summary } = await withBits([
      { match: names.first, bits: 6 },
      { match: 'x', bits: 5 },
      { match: names.third, bits: { weights: 4 } },
    ]);
    const bits = new Map(summary.tensors.map((tensor) => [tensor.name, tensor.bits]));
    expect([bits.get('x'), bits.get(names.a)]).toEqual([5, 6]);
    expect([...bits.values()].filter((one) => one === 8).length).toBeGreaterThanOrEqual(2);
    const weights = weightsOf(graph);
    expect([names.first, names.second, names.third].map((name) => greatest(weights.get(name)!))).toEqual([
      31, 127, 7,
    ]);
    const recorded = JSON.parse(graph.metadata.get('calibr8.tensors')!) as { name: string; bits?: number }[];
    expect(recorded.find(({ name }) => name === 'x')!.bits).toBe(5);
    expect(recorded.filter((tensor) => 'bits' in tensor).length).toBeLessThan(recorded.length);
  });

  it('and ranges are overridden each by the last that says so', async () => {
    const { summary } = await withBits([
      { match: '**', bits: { activations: 4 } },
      { match: 'x', range: 0.5 },
      { match: 'x', bits: { weights: 3, activations: 6 } },
      { match: names.a, observer: 'average', bits: 7 },
    ]);
    const tensor = (name: string) => summary.tensors.find((one) => one.name === name);
    expect(tensor('x')).toMatchObject({ threshold: 0.5, observer: 'range', bits: 6 });
    expect(tensor(names.a)).toMatchObject({ observer: 'average', bits: 7 });
    expect(summary.tensors.filter(({ bits }) => bits === 4).length).toBeGreaterThan(0);
  });

  it('clip more where algorithms weigh rounding against clipping', async () => {
    for (const algo of ['mse', 'auto'] as const) {
      const [eight, three] = [
        await withBits([], { algo }),
        await withBits([{ match: '**', bits: 3 }], { algo }),
      ];
      const clipped = ({ summary }: typeof eight) =>
        summary.tensors.reduce((sum, tensor) => sum + tensor.clippedPercent, 0);
      expect(clipped(three)).toBeGreaterThan(clipped(eight));
    }
    const power = async (algo: 'max' | 'mse') =>
      (await withBits([{ match: '**', bits: 3 }], { algo })).summary.tensors.map(({ sqnrDb }) => sqnrDb);
    const [max, mse] = [await power('max'), await power('mse')];
    mse.forEach((db, i) => expect(db).toBeGreaterThan(max[i]! - 0.01));
  });

  it('live on in a calibration table', async () => {
    await withFolder(async (folder) => {
      const [path, output] = [join(folder, 'table.json'), join(folder, 'int8.onnx')];
      const overrides = [
        { match: '**', bits: 4 },
        { match: 'x', observer: 'mse' as const },
      ];
      const calibrator = await Calibrator.create({ model: model.bytes(), threads: 1, overrides });
      for (const x of samples) {
        await calibrator.run({ x });
        await calibrator.sampleData();
      }
      const table = await calibrator.saveTable(path);
      expect(table.tensors.map(({ bits }) => bits)).toEqual(table.tensors.map(() => 4));
      const others = { ...table, samples: { count: 16, sha256: '1'.repeat(64) } };
      expect(mergeTables([table, others]).tensors).toEqual(table.tensors);
      const direct = await calibrator.saveInt8Model(output);
      await calibrator.release();
      const later = await Calibrator.create({ model: model.bytes(), threads: 1, table: path });
      const { tensors } = await later.saveInt8Model(output);
      await later.release();
      expect(tensors).toEqual(direct.tensors);
    });
  });

  it('are what a comparison counts levels by', async () => {
    await withFolder(async (folder) => {
      const { bytes } = await withBits([{ match: '**', bits: 3 }]);
      const path = join(folder, 'int8.onnx');
      writeFileSync(path, bytes);
      const inputs = others.map((x) => ({ feeds: { x } }));
      const { tensors, unmatched } = await compareNetworks({
        ...{ fp32: model.bytes(), int8: path, inputs, threads: 1 },
      });
      expect(unmatched).toEqual([]);
      for (const { grid, levelsUsedPercent, sqnrDb, ownSqnrDb } of tensors) {
        expect(grid.bits).toBe(3);
        expect(levelsUsedPercent).toBeGreaterThan(50);
        expect(levelsUsedPercent).toBeLessThanOrEqual(100);
        expect(ownSqnrDb).toBeGreaterThanOrEqual(sqnrDb - 1);
      }
    });
  });

  it.each([
    [
      '1',
      [{ match: 'x', bits: 1 }],
      /a whole number from 2 to 8.* for overrides\[0\]\.bits but received 1\. Leave bits out/,
    ],
    ['9', [{ match: 'x', bits: 9 }], /but received 9\./],
    ['a fraction', [{ match: 'x', bits: 7.5 }], /but received 7\.5\./],
    ['a text', [{ match: 'x', bits: '8' }], /but received "8"\./],
    ['null', [{ match: 'x', bits: null }], /but received null\./],
    ['an empty object', [{ match: 'x', bits: {} }], /but received \{\}\./],
    ['9 of weights', [{ match: 'x', bits: { weights: 9 } }], /but received \{"weights":9\}/],
    ['another field', [{ match: 'x', bits: { weight: 7 } }], /but received \{"weight":7\}/],
    ['a precision', [{ match: 'x', bits: 7, precision: 'fp32' }], /or bits, alone or with observer or range/],
    ['two choices of a range', [{ match: 'x', bits: 7, range: 1, observer: 'KL' }], /exactly one of/],
    [
      'nothing it matches',
      [{ match: 'y', bits: 7 }],
      /an INT8 layer or a quantized tensor but "y" matches none.*"x"/,
    ],
    [
      'no layer',
      [{ match: 'x', bits: { weights: 7 } }],
      /an INT8 layer with constant weights but "x" matches none/,
    ],
    [
      'no tensor',
      [{ match: 'op:Gemm', bits: { activations: 7 } }],
      /a quantized tensor.*"op:Gemm" matches none/,
    ],
  ])('are refused with %s', async (_, overrides, message) => {
    const create = Calibrator.create({ model: model.bytes(), overrides: overrides as Override[] });
    await expect(create).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message) as string,
    });
  });
});
