import { compareNetworks, InferenceSession, type Comparison, type CompareOptions } from '../../lib';
import { Constant } from '../../lib/graph/constant';
import type { Graph } from '../../lib/graph/graph';
import { readModel, writeModel } from '../../lib/onnx';
import { ModelBuilder } from '../support/model';
import { float32 } from '../support/run';
import { chain, CHANNELS, inputs, pair } from './pair';

const SAMPLES = inputs(12);

function compare(
  models: Pick<CompareOptions, 'fp32' | 'int8'>,
  more: Partial<CompareOptions> = {},
): Promise<Comparison> {
  return compareNetworks({ ...models, inputs: SAMPLES.map((x) => ({ feeds: { x } })), threads: 1, ...more });
}

/** Signal to noise between an output of one model and one of another, over all samples, in dB. */
async function measured(a: Uint8Array, nameA: string, b: Uint8Array, nameB: string): Promise<number> {
  const [sessionA, sessionB] = [await InferenceSession.create(a), await InferenceSession.create(b)];
  let [signal, noise] = [0, 0];
  for (const x of SAMPLES) {
    const reference = (await sessionA.run({ x }))[nameA]!.data as Float32Array;
    const other = (await sessionB.run({ x }))[nameB]!.data as Float32Array;
    reference.forEach((value, index) => {
      signal += value ** 2;
      noise += (value - other[index]!) ** 2;
    });
  }
  await Promise.all([sessionA.release(), sessionB.release()]);
  return 10 * Math.log10(signal / noise);
}

async function withOutput(model: Uint8Array, name: string): Promise<Uint8Array> {
  const graph = await readModel(model);
  graph.outputs.push([...graph.values()].find((value) => value.name === name)!);
  return writeModel(graph);
}

/** Makes the first convolution's weights half as large again as they should be. */
function spoil(graph: Graph): void {
  const scale = [...graph.values()].find(({ name }) => name.endsWith('_weights_scale'))!;
  scale.constant = Constant.float32(
    scale.constant!.dims,
    scale.constant!.toFloat32().map((s) => s * 1.5),
  );
}

let models: { fp32: Uint8Array; int8: Uint8Array };
/** Of the same two networks as `models`. */
let sound: Comparison;
/** Of a network whose first convolution was spoilt. */
let spoilt: Comparison;
let spoiltModels: typeof models;

beforeAll(async () => {
  models = await pair();
  spoiltModels = await pair(chain(), chain(), spoil);
  sound = await compare(models);
  spoilt = await compare(spoiltModels);
});

test('SQNR of tensors and outputs is what both networks give when asked for those values', async () => {
  const { fp32, int8 } = models;
  const comparison = sound;
  expect(comparison.samples).toBe(SAMPLES.length);
  expect(comparison.unmatched).toEqual([]);
  expect(comparison.tensors.map(({ layer }) => layer?.op)).toEqual([
    ...[undefined, 'Conv', 'Conv', 'GlobalAveragePool', 'Flatten'],
  ]);
  for (const { name, sqnrDb } of comparison.tensors.slice(1)) {
    const exposed = [await withOutput(fp32, name), await withOutput(int8, `${name}_dequantized`)] as const;
    expect(sqnrDb).toBeCloseTo(await measured(exposed[0], name, exposed[1], `${name}_dequantized`), 3);
  }
  const [output] = comparison.outputs;
  expect(output!.sqnrDb).toBeCloseTo(await measured(fp32, output!.name, int8, output!.name), 3);
  expect(comparison).toMatchObject({ precision: 'int8', int8Percent: 100, receipt: { tool: 'calibr8' } });
});

test('a layer answers for its own error alone, not for what it inherits', () => {
  const [, first, second] = sound.tensors;
  const [, badFirst, badSecond] = spoilt.tensors;
  // Nothing comes before the first layer but the rounding of the input, which is its own.
  expect(first!.ownSqnrDb).toBeCloseTo(first!.sqnrDb, 6);
  expect(badFirst!.ownSqnrDb).toBeLessThan(first!.ownSqnrDb - 10);
  expect(badSecond!.sqnrDb).toBeLessThan(second!.sqnrDb - 10);
  expect(badSecond!.ownSqnrDb).toBeCloseTo(second!.ownSqnrDb, 6);
});

test('channels that the INT8 network carries at other sizes are compared at the sizes of FP32', async () => {
  const factors = Array.from({ length: CHANNELS }, (_, c) => 2 ** ((c % 5) - 2));
  const equalized = await compare(await pair(chain(), chain(factors)));
  expect(equalized.tensors.map((tensor) => tensor.equalized)).toEqual([false, true, false, false, false]);
  const [, tensor] = equalized.tensors;
  expect(tensor!.sqnrDb).toBeGreaterThan(20);
  expect(tensor!.ownSqnrDb).toBeGreaterThan(20);
  expect(equalized.tensors[2]!.ownSqnrDb).toBeGreaterThan(20);
  for (const { tensors } of [sound, spoilt]) expect(tensors.some((each) => each.equalized)).toBe(false);
  for (const { sqnrDb } of equalized.layers) expect(sqnrDb).toBeGreaterThan(30);
});

test('networks that have only their input and output in common are no pair', async () => {
  const other = new ModelBuilder();
  let y = other.node('Flatten', [other.input('x', ['batch', 3, 12, 12])]);
  // As many as the chain has before its last one, which then has the same name.
  for (let node = 1; node < 11; ++node) y = other.node('Neg', [y]);
  y = other.node('Gemm', [y, other.constant(new Float32Array(4320), [432, 10])]);
  other.output(y, 'float32', ['batch', 10]);
  expect(y.name).toBe(sound.outputs[0]!.name);
  await expect(compare({ fp32: other.bytes(), int8: models.int8 })).rejects.toThrow(
    /made from this FP32 one.*none of the \d+ tensors that its layers make is known there/,
  );
});

test('the factors of equalized tensors are what the receipt says, however small they are and whether a channel shows its own or not', async () => {
  const factors = Array.from({ length: CHANNELS }, (_, c) => 1.1 ** ((c % 5) - 2));
  const name = sound.tensors[1]!.name;
  const named = await pair(chain(), chain(factors), ({ metadata }) =>
    metadata.set('calibr8.equalized', JSON.stringify([{ name, factors }])),
  );
  const [told, untold] = [await compare(named), await compare(await pair(chain(), chain(factors)))];
  expect(untold.tensors.some((tensor) => tensor.equalized)).toBe(false);
  expect(told.tensors.map((tensor) => tensor.equalized)).toEqual([false, true, false, false, false]);
  expect(told.tensors[1]!.ownSqnrDb).toBeGreaterThan(untold.tensors[1]!.ownSqnrDb + 10);
});

test('a channel that is silent at first is compared at the size that the receipt says', async () => {
  const factors = Array.from({ length: CHANNELS }, (_, c) => 4 ** (c % 3));
  const name = sound.tensors[1]!.name;
  const silent = float32(new Float32Array(432), [1, 3, 12, 12]);
  const samples = [...Array.from({ length: 8 }, () => silent), ...SAMPLES].map((x) => ({ feeds: { x } }));
  const named = await pair(chain(), chain(factors), ({ metadata }) =>
    metadata.set('calibr8.equalized', JSON.stringify([{ name, factors }])),
  );
  const [told, untold] = [
    await compare(named, { inputs: samples }),
    await compare(await pair(chain(), chain(factors)), { inputs: samples }),
  ];
  expect(untold.tensors[1]!.sqnrDb).toBeLessThan(10);
  expect(told.tensors[1]!.sqnrDb).toBeGreaterThan(20);
});

test('figures do not depend on the size of the batches, and rows that only fill one do not count', async () => {
  const single = sound;
  const data = Float32Array.from(
    [...SAMPLES, SAMPLES[0]!, SAMPLES[0]!, SAMPLES[0]!].flatMap((x) => [...x.data]),
  );
  const batches = [0, 1, 2].map((index) => ({
    feeds: { x: float32(data.slice(index * 5 * 432, (index + 1) * 5 * 432), [5, 3, 12, 12]) },
    names: Array.from({ length: index < 2 ? 5 : 2 }, (_, row) => `${index}.${row}`),
  }));
  const batched = await compare(models, { inputs: batches });
  expect(batched.samples).toBe(12);
  batched.tensors.forEach((tensor, index) => {
    expect(tensor.count).toBe(single.tensors[index]!.count);
    expect(tensor.sqnrDb).toBeCloseTo(single.tensors[index]!.sqnrDb, 1);
  });
  expect(batched.outputs[0]!.agreementPercent).toBe(single.outputs[0]!.agreementPercent);
});

test('labels give top-1 of both, and who was right where they differ', async () => {
  const choices = spoilt.outputs[0]!.pairs;
  expect(choices.reduce((sum, { count }) => sum + count, 0)).toBe(12);
  const label = choices[0]!.fp32;
  const { outputs } = await compare(spoiltModels, {
    inputs: SAMPLES.map((x, index) => ({ feeds: { x }, labels: [label], names: [`sample ${index}`] })),
  });
  const hits = (side: 'fp32' | 'int8'): number =>
    choices.reduce((sum, pair) => sum + (pair[side] === label ? pair.count : 0), 0);
  const [{ top1, differences, whereDifferent, agreementPercent }] = outputs as [(typeof outputs)[0]];
  expect(top1!.fp32).toBeCloseTo((100 * hits('fp32')) / 12);
  expect(top1!.int8).toBeCloseTo((100 * hits('int8')) / 12);
  const different = Math.round(12 * (1 - agreementPercent! / 100));
  expect(differences).toHaveLength(different);
  expect(whereDifferent.fp32Right + whereDifferent.int8Right + whereDifferent.neither).toBe(different);
});

test('every registered algorithm and the file show their range for each tensor', () => {
  for (const { observers, histogram, count, range, grid } of sound.tensors) {
    expect(observers.map(({ observer }) => observer)).toEqual(expect.arrayContaining(['max', 'KL', 'auto']));
    expect(Math.abs(histogram.counts.reduce((a, b) => a + b, 0) - count)).toBeLessThan(count / 100 + 64);
    expect(range[1]).toBeCloseTo(grid.scale * (grid.dtype === 'uint8' ? 255 : 127), 6);
  }
});

describe('refuses with what to do', () => {
  test.each([
    ['two FP32 networks', () => ({ int8: models.fp32 }), /both are FP32.*calibr8 calibrate/],
    ['two INT8 networks', () => ({ fp32: models.int8 }), /both are INT8/],
    ['the wrong order', () => ({ fp32: models.int8, int8: models.fp32 }), /other way round.*first/],
    ['no inputs', () => ({ inputs: [] }), /at least one/],
    ['an unknown output', () => ({ logits: 'nope' }), /one of .* for logits but received "nope"/],
    [
      'a label that is no class',
      () => ({ inputs: [{ feeds: { x: SAMPLES[0]! }, labels: [10] }] }),
      /from 0 to 9.*received 10/,
    ],
    [
      'NaN',
      () => ({ inputs: [{ feeds: { x: float32(new Float32Array(432).fill(NaN), [1, 3, 12, 12]) } }] }),
      /finite/,
    ],
  ])('%s', async (_, change, message) => {
    await expect(compare({ ...models, ...change() }, change())).rejects.toThrow(message);
  });

  test('networks with other inputs', async () => {
    const model = new ModelBuilder();
    model.output(model.node('Relu', [model.input('other', [1, 4])]));
    await expect(compare({ ...models, fp32: model.bytes() })).rejects.toThrow(
      /same inputs.*other float32.*x float32/,
    );
  });

  test('and stops when told to', async () => {
    const controller = new AbortController();
    const stop = (): void => controller.abort(new Error('stopped'));
    const running = compare(models, { onProgress: stop, signal: controller.signal });
    await expect(running).rejects.toThrow('stopped');
  });
});
