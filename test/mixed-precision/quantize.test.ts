import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  InferenceSession,
  quantize,
  Tensor,
  type QuantizeOptions,
  type QuantizeSummary,
  type ValidationSample,
} from '../../lib';
import type { Value } from '../../lib/graph/graph';
import { readModel } from '../../lib/onnx';
import { IMAGE_SIZE, renderImage, toInput, type Split } from '../../examples/shapes';
import { noise, withFolder } from '../calibration/calibrated';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';

const NETWORK = join(__dirname, '../../examples/networks/shapes-mobilenet.onnx');

function shapes(split: Split, count: number): ValidationSample[] {
  return Array.from({ length: count }, (_, index) => {
    const { pixels, label } = renderImage(split, index);
    const data = toInput(pixels, new Float32Array(3 * IMAGE_SIZE * IMAGE_SIZE));
    return {
      feeds: { [INPUT]: new Tensor('float32', data, [1, 3, IMAGE_SIZE, IMAGE_SIZE]) },
      labels: [label],
    };
  });
}

let INPUT = '';
let calibration: QuantizeOptions['calibration'];
let validation: ValidationSample[];

beforeAll(async () => {
  INPUT = (await readModel(NETWORK)).inputs[0]!.name;
  calibration = shapes('calibration', 12).map(({ feeds }) => feeds);
  validation = shapes('validation', 32);
});

/** Quantizes the shapes network, or another, into a folder that is gone afterwards; gives the file too. */
function quantized(
  options: Partial<QuantizeOptions>,
): Promise<{ summary: QuantizeSummary; bytes: Uint8Array; path: string }> {
  return withFolder(async (folder) => {
    const output = join(folder, 'out.onnx');
    const summary = await quantize({
      model: NETWORK,
      calibration,
      validation,
      threads: 1,
      ...options,
      output,
    });
    return { summary, bytes: new Uint8Array(readFileSync(output)), path: output };
  });
}

/** Share of the samples on which two networks have the same first choice, percent, and the SQNR, by definition. */
async function compare(
  bytes: Uint8Array,
  samples: readonly ValidationSample[],
): Promise<{ agreement: number; sqnrDb: number; precision: string }> {
  const [fp32, other] = await Promise.all(
    [NETWORK, bytes].map((model) => InferenceSession.create(model as string, { threadsPerStream: 1 })),
  );
  const name = fp32!.outputNames[0]!;
  let [same, signal, error] = [0, 0, 0];
  for (const { feeds } of samples) {
    const [a, b] = await Promise.all(
      [fp32!, other!].map(async (session) => [...((await session.run(feeds))[name]!.data as Float32Array)]),
    );
    if (a!.indexOf(Math.max(...a!)) === b!.indexOf(Math.max(...b!))) ++same;
    a!.forEach((value, i) => {
      signal += value ** 2;
      error += (value - b![i]!) ** 2;
    });
  }
  const { precision } = other!;
  await Promise.all([fp32!.release(), other!.release()]);
  return { agreement: (100 * same) / samples.length, sqnrDb: 10 * Math.log10(signal / error), precision };
}

describe('quantize', () => {
  it('returns nothing where all-INT8 is good enough, and ranks nothing', async () => {
    const { summary, bytes } = await quantized({ minSqnr: 3, minAgreement: 10, maxDrop: 90 });
    expect(summary).toMatchObject({ met: true, timedOut: false, returned: [], ranking: [], fp32Nodes: 0 });
    expect(summary.int8MultiplyAddsPercent).toBeCloseTo(100, 6);
    expect(summary.speed).toBeUndefined();
    expect(summary.result).toEqual(summary.allInt8);
    expect((await compare(bytes, validation)).precision).toBe('int8');
  });

  it('returns the layers that a harsh tolerance needs, and the saved file is as good as it says', async () => {
    const minSqnr = 38;
    const { summary, bytes } = await quantized({ minSqnr });
    expect(summary.met).toBe(true);
    expect(summary.returned.length).toBeGreaterThan(0);
    expect(summary.returned.length).toBeLessThan(summary.ranking.length);
    expect(summary.returned).toEqual(summary.ranking.slice(0, summary.returned.length));
    expect(summary.result.sqnrDb).toBeGreaterThanOrEqual(minSqnr);
    expect(summary.fp32Nodes).toBe(summary.returned.length);
    const measured = await compare(bytes, validation);
    expect(measured.precision).toBe('mixed');
    expect(measured.sqnrDb).toBeCloseTo(summary.result.sqnrDb, 6);
    expect(measured.agreement).toBeCloseTo(summary.result.agreement, 6);
    const returned = summary.returned.reduce((sum, { multiplyAddsPercent }) => sum + multiplyAddsPercent, 0);
    expect(summary.int8MultiplyAddsPercent).toBeCloseTo(100 - returned, 6);
    expect(summary.speed!.allInt8).toBeGreaterThan(0);
    expect(summary.speed!.result).toBeGreaterThan(0);
    const { median, min, max } = summary.speed!.ratio;
    expect(min <= median && median <= max).toBe(true);
  });

  it('returns every layer where nothing less serves', async () => {
    const { summary } = await quantized({ minSqnr: 100 });
    expect(summary).toMatchObject({ met: true, timedOut: false, int8Nodes: 0 });
    expect(summary.int8MultiplyAddsPercent).toBeCloseTo(0, 6);
    expect(summary.result.agreement).toBe(100);
  });

  it('returns either operand of a residual sum that is rounded only once', async () => {
    const random = new Random(1);
    const model = new ModelBuilder();
    const conv = (x: Value, outputs: number, inputs: number, size: number, pads: number): Value => {
      const weights = model.constant(random.floats(outputs * inputs * size * size), [
        outputs,
        inputs,
        size,
        size,
      ]);
      return model.node('Conv', [x, weights], { pads: new Array<number>(4).fill(pads) });
    };
    const start = model.node('Relu', [conv(model.input('x', [1, 3, 8, 8]), 8, 3, 3, 1)]);
    const branch = conv(model.node('Relu', [conv(start, 8, 8, 3, 1)]), 8, 8, 1, 0);
    const sum = model.node('Relu', [model.node('Add', [branch, conv(start, 8, 8, 1, 0)])]);
    model.output(model.node('Flatten', [conv(sum, 4, 8, 8, 0)]), 'float32', [1, 4]);
    const feeds = noise(6, [1, 3, 8, 8]).map((x) => ({ x }));
    const { summary } = await quantized({
      model: model.bytes(),
      residuals: 'exact',
      calibration: feeds,
      validation: feeds.map((one) => ({ feeds: one })),
      minSqnr: 60,
    });
    expect(summary.ranking).toHaveLength(5);
    expect(summary.met).toBe(true);
  });

  it('keeps the share of multiply-adds in INT8 that is asked for, and says where the limit cannot be met so', async () => {
    const { summary } = await quantized({ minSqnr: 100, minInt8: 90 });
    expect(summary.met).toBe(false);
    expect(summary.returned.length).toBeGreaterThan(0);
    expect(summary.int8MultiplyAddsPercent).toBeGreaterThanOrEqual(90 - 1e-6);
    expect(summary.result.sqnrDb).toBeGreaterThan(summary.allInt8.sqnrDb);
  });

  it('records the limit and the layers in the receipt, and gives the same file again', async () => {
    const options = { minSqnr: 34 };
    const [one, two] = [await quantized(options), await quantized(options)];
    expect(Buffer.compare(one.bytes, two.bytes)).toBe(0);
    const { metadata } = await readModel(one.bytes);
    expect(JSON.parse(metadata.get('calibr8.tolerance')!)).toEqual(options);
    expect(one.summary.returned.length).toBeGreaterThan(0);
    expect(JSON.parse(metadata.get('calibr8.returned')!)).toEqual(one.summary.returned);
    expect(JSON.parse(metadata.get('calibr8.exclude')!)).toEqual(
      one.summary.returned.map(({ name }) => name),
    );
  });

  it('returns the layer first whose weights INT8 cannot hold', async () => {
    const { model, name } = spoiled();
    const samples = noise(12, [1, 4, 8, 8]).map((x) => ({ feeds: { x } }));
    const { summary } = await quantized({
      model,
      calibration: samples.slice(0, 6).map(({ feeds }) => feeds),
      validation: samples.slice(6),
      minSqnr: 20,
    });
    expect(summary.allInt8.sqnrDb).toBeLessThan(10);
    expect(summary.returned.map((layer) => layer.name)).toEqual([name]);
    expect(summary.met).toBe(true);
  });

  it('ends at the time limit with what was measured, and says so', async () => {
    const { summary, bytes } = await quantized({ minSqnr: 100, timeLimit: 0.001 });
    expect(summary).toMatchObject({ met: false, timedOut: true, returned: [] });
    expect(summary.result).toEqual(summary.allInt8);
    expect((await compare(bytes, validation)).precision).toBe('int8');
  });

  it.each(['calibrating', 'validating', 'ranking', 'searching', 'timing'])(
    'writes nothing when it is cancelled while %s',
    (stage) =>
      withFolder(async (folder) => {
        const output = join(folder, 'out.onnx');
        writeFileSync(output, 'before');
        const controller = new AbortController();
        const stages = new Set<string>();
        const work = quantize({
          ...{ model: NETWORK, calibration, validation, threads: 1, output, minSqnr: 40 },
          signal: controller.signal,
          onProgress: (progress) => {
            stages.add(progress.stage);
            if (progress.stage === stage) controller.abort(new Error('enough'));
          },
        });
        await expect(work).rejects.toThrow('enough');
        expect([...stages].at(-1)).toBe(stage);
        expect(readFileSync(output, 'utf8')).toBe('before');
        expect(existsSync(`${output}.data`)).toBe(false);
      }),
  );
});

describe('wrong uses', () => {
  const generator = (function* () {
    yield validation[0]!;
  })();

  it.each([
    ['no limit', {}, 'INVALID_ARGUMENT', /Expected maxDrop, minAgreement or minSqnr but received none/],
    ['an impossible limit', { minAgreement: 101 }, 'INVALID_ARGUMENT', /up to 100 for minAgreement/],
    ['an impossible share', { minSqnr: 1, minInt8: 101 }, 'INVALID_ARGUMENT', /0 to 100 for minInt8/],
    ['no time', { minSqnr: 1, timeLimit: 0 }, 'INVALID_ARGUMENT', /seconds above 0.* for timeLimit/],
    ['a misspelt option', { minSqnr: 1, minSNR: 1 }, 'INVALID_ARGUMENT', /"minSNR"/],
    ['an unknown output', { minSqnr: 1, logits: 'x' }, 'INVALID_ARGUMENT', /one of .* but received "x"/],
    [
      'a generator',
      { minSqnr: 1, validation: generator },
      'INVALID_ARGUMENT',
      /makes a new iterator each time/,
    ],
    [
      'no validation samples',
      { minSqnr: 1, validation: [] },
      'INVALID_DATASET',
      /validation samples but rec/,
    ],
    ['no calibration samples', { minSqnr: 1, calibration: [] }, 'INVALID_DATASET', /calibrate on but rec/],
  ])('%s is refused', async (_, options, code, message) => {
    await expect(quantized(options as Partial<QuantizeOptions>)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });

  it('a drop of accuracy needs labels, for every sample, and right ones', async () => {
    const [first, ...others] = validation;
    const cases = [
      [[{ feeds: first!.feeds }], 'INVALID_ARGUMENT', /label for every validation sample/],
      [[...others, { feeds: first!.feeds }], 'INVALID_ARGUMENT', /label for every validation sample/],
      [[{ ...first!, labels: [1000] }], 'INVALID_DATASET', /label from 0 to \d+ .* but received 1000/],
    ] as const;
    for (const [samples, code, message] of cases)
      await expect(quantized({ maxDrop: 1, validation: samples })).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message) as string,
      });
  });
});

/**
 * Three convolutions, where the second has a huge weight for a channel that the first leaves at zero: its other weights round to
 * nothing.
 */
function spoiled(): { model: Uint8Array; name: string } {
  const model = new ModelBuilder(13);
  const x = model.input('x', [1, 4, 8, 8]);
  const weights = (seed: number, dims: number[]): Float32Array =>
    noise(1, dims, seed)[0]!.data as Float32Array;
  const bias = Float32Array.from([-100, 0, 0, 0, 0, 0, 0, 0]);
  const first = model.node('Conv', [
    x,
    model.constant(weights(2, [8, 4, 1, 1]), [8, 4, 1, 1]),
    model.constant(bias, [8]),
  ]);
  const bad = weights(3, [8, 8, 1, 1]).map((value, index) => (index % 8 === 0 ? 1000 : value));
  const second = model.node('Conv', [model.node('Relu', [first]), model.constant(bad, [8, 8, 1, 1])]);
  const last = model.constant(weights(4, [5, 8, 1, 1]), [5, 8, 1, 1]);
  const third = model.node('Conv', [model.node('Relu', [second]), last]);
  const logits = model.node('Flatten', [model.node('GlobalAveragePool', [third])]);
  model.output(logits, 'float32', [1, 5]);
  return { model: model.bytes(), name: second.producer!.name };
}
