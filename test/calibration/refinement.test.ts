import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { Calibrator, InferenceSession, type CalibratorOptions, type Tensor } from '../../lib';
import { KeptSamples } from '../../lib/calibration/kept-samples';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { calibrated, noise, withFolder } from './calibrated';

const ALL: Partial<CalibratorOptions> = {
  algo: 'auto',
  biasCorrection: true,
  equalization: true,
  rounding: 'learned',
};

/** Depthwise-separable blocks whose channels differ in range by factors up to 30, as trained networks' do; one residual. */
function separable(): ModelBuilder {
  const random = new Random(11);
  const model = new ModelBuilder(13);
  const ranges = (count: number): number[] =>
    Array.from({ length: count }, () => Math.exp(3.4 * (random.next() - 1)));
  const weights = (dims: number[], size: number, perRow?: number[]) => {
    const inner = dims.slice(1).reduce((a, b) => a * b, 1);
    return model.constant(
      random.floats(dims[0]! * inner, -size, size).map((w, i) => w * (perRow?.[Math.floor(i / inner)] ?? 1)),
      dims,
    );
  };
  const six = [model.constant([0], []), model.constant([6], [])] as const;
  const relu6 = (x: ReturnType<ModelBuilder['node']>) => model.node('Clip', [x, ...six]);
  const pads = { pads: [1, 1, 1, 1] };
  const x = model.input('x', ['N', 3, 12, 12]);
  const first = relu6(
    model.node('Conv', [x, weights([16, 3, 3, 3], 2, ranges(16)), weights([16], 0.3)], pads),
  );
  const narrow = ranges(16);
  const depthwise = relu6(
    model.node('Conv', [first, weights([16, 1, 3, 3], 1.5, narrow), weights([16], 0.3)], {
      ...pads,
      group: 16,
    }),
  );
  const point = model.node('Conv', [depthwise, weights([16, 16, 1, 1], 1)]);
  const sum = model.node('Relu', [model.node('Add', [point, first])]);
  const flat = model.node('Flatten', [model.node('GlobalAveragePool', [sum])]);
  return model.output(model.node('Gemm', [flat, weights([16, 10], 1), weights([10], 0.3)]), 'float32', [
    'N',
    10,
  ]);
}

async function answers(model: Uint8Array, inputs: readonly Tensor[]): Promise<Float32Array[]> {
  const session = await InferenceSession.create(model, { threadsPerStream: 1 });
  const results: Float32Array[] = [];
  for (const x of inputs)
    results.push((await session.run({ x }))[session.outputNames[0]!]!.data as Float32Array);
  await session.release();
  return results;
}

function sqnr(reference: readonly Float32Array[], received: readonly Float32Array[]): number {
  let [signal, noisePower] = [0, 0];
  reference.forEach((row, i) =>
    row.forEach((value, k) => {
      signal += value ** 2;
      noisePower += (value - received[i]![k]!) ** 2;
    }),
  );
  return 10 * Math.log10(signal / noisePower);
}

async function expectLikeOnnxruntime(bytes: Uint8Array): Promise<void> {
  const ours = await answers(bytes, others.slice(0, 8));
  const session = await ort.InferenceSession.create(bytes);
  for (const [i, x] of others.slice(0, 8).entries()) {
    const theirs = await session.run({ x: new ort.Tensor('float32', x.data as Float32Array, x.dims) });
    const data = theirs[session.outputNames[0]!]!.data as Float32Array;
    const magnitude = Math.max(...ours[i]!.map(Math.abs));
    ours[i]!.forEach((value, k) => expect(Math.abs(value - data[k]!)).toBeLessThan(0.02 * magnitude));
  }
  await session.release();
}

const samples = noise(24, [1, 3, 12, 12], 5);
const others = noise(40, [1, 3, 12, 12], 77);

describe('refinement', () => {
  it('comes nearer to FP32 on inputs that it has not seen, each part for itself and all together', async () => {
    const model = separable();
    const reference = await answers(model.bytes(), others);
    const reached = async (options: Partial<CalibratorOptions>): Promise<number> =>
      sqnr(reference, await answers((await calibrated(model, samples, options)).bytes, others));
    const same = { algo: 'auto', residuals: 'rounded', averages: 'shared' } as const;
    const plain = await reached(same);
    expect(await reached({ ...same, equalization: true })).toBeGreaterThan(plain);
    expect(await reached({ ...same, biasCorrection: true })).toBeGreaterThan(plain);
    expect(await reached({ ...same, rounding: 'learned' })).toBeGreaterThan(plain);
    expect(await reached(ALL)).toBeGreaterThan(plain + 0.4);
  });

  it('writes files that onnxruntime answers alike', async () => {
    const { bytes } = await calibrated(separable(), samples, ALL);
    await expectLikeOnnxruntime(bytes);
  });

  it('changes numbers only: the same nodes as without, so the same speed', async () => {
    const model = separable();
    const ops = async (options: Partial<CalibratorOptions>): Promise<string[]> =>
      [...(await calibrated(model, samples, options)).graph.nodes].map(({ op }) => op).sort();
    const clipless = (list: string[]): string[] => list.map((op) => (op === 'Clip' ? 'Relu' : op)).sort();
    expect(clipless(await ops(ALL))).toEqual(clipless(await ops({ algo: 'auto', biasCorrection: true })));
  });

  it('gives the same bytes again, and says in summary and receipt what it did', async () => {
    const [a, b] = [await calibrated(separable(), samples, ALL), await calibrated(separable(), samples, ALL)];
    expect(Buffer.compare(a.bytes, b.bytes)).toBe(0);
    expect(a.summary.refinement).toMatchObject({
      biasCorrection: true,
      equalization: true,
      rounding: 'learned',
      samples: 24,
    });
    expect(a.summary.refinement!.equalizedTensors).toBeGreaterThan(0);
    expect(JSON.parse(a.graph.metadata.get('calibr8.equalized')!)).toHaveLength(
      a.summary.refinement!.equalizedTensors,
    );
    expect(JSON.parse(a.graph.metadata.get('calibr8.refinement')!)).toEqual(a.summary.refinement);
    const { summary } = await calibrated(separable(), samples);
    expect(summary).not.toHaveProperty('refinement');
  });

  it('searches scales by itself where the algorithm takes what errs least and samples are at hand', async () => {
    const searches = async (options: Partial<CalibratorOptions>): Promise<boolean | undefined> =>
      (await calibrated(separable(), samples.slice(0, 2), options)).summary.refinement?.scaleSearch;
    expect(await searches({ algo: 'auto', biasCorrection: true })).toBe(true);
    expect(await searches({ algo: 'auto', biasCorrection: true, rounding: 'learned' })).toBe(false);
    expect(await searches({ algo: 'auto', equalization: true, scaleSearch: false })).toBe(false);
    expect(await searches({ algo: 'max', biasCorrection: true })).toBe(false);
    expect(await searches({ algo: 'max', scaleSearch: true })).toBe(true);
    expect(await searches({ algo: 'auto' })).toBeUndefined();
  });

  it('leaves tensors alone whose range somebody chose', async () => {
    const { summary } = await calibrated(separable(), samples, {
      ...ALL,
      overrides: [{ match: 'Clip*', range: 6 }],
    });
    expect(summary.refinement!.equalizedTensors).toBe(0);
    for (const { name, threshold } of summary.tensors) if (name.startsWith('Clip')) expect(threshold).toBe(6);
  });

  it('reports progress and can be ended, and then writes nothing', async () => {
    await withFolder(async (folder) => {
      const output = join(folder, 'int8.onnx');
      const calibrator = await Calibrator.create({ model: separable().bytes(), output, threads: 1, ...ALL });
      for (const x of samples.slice(0, 4)) {
        await calibrator.run({ x });
        await calibrator.sampleData();
      }
      const controller = new AbortController();
      const steps: number[] = [];
      const ended = calibrator.saveInt8Model(output, {
        signal: controller.signal,
        onProgress: (done, total) => {
          steps.push(done);
          expect(total).toBe(4);
          if (done === 2) controller.abort(new Error('enough'));
        },
      });
      await expect(ended).rejects.toThrow('enough');
      expect(steps).toEqual([1, 2]);
      expect(() => readFileSync(output)).toThrow(/ENOENT/);
      await calibrator.saveInt8Model();
      expect(readFileSync(output).length).toBeGreaterThan(0);
      await calibrator.release();
    });
  });

  it('needs samples of its own', async () => {
    await withFolder(async (folder) => {
      const model = separable().bytes();
      const path = join(folder, 'table.json');
      const measuring = await Calibrator.create({ model, threads: 1 });
      await measuring.run({ x: samples[0]! });
      await measuring.sampleData();
      await measuring.saveTable(path);
      await measuring.release();
      const calibrator = await Calibrator.create({ model, table: path, threads: 1, ...ALL });
      await expect(calibrator.saveInt8Model(join(folder, 'int8.onnx'))).rejects.toMatchObject({
        code: 'INVALID_STATE',
        message: expect.stringContaining('a calibration table does not hold any'),
      });
      await calibrator.release();
    });
  });

  it.each([
    [{ biasCorrection: 'yes' }, /true or false for biasCorrection/],
    [{ equalization: 1 }, /true or false for equalization/],
    [{ rounding: 'up' }, /"nearest" or "learned" for rounding/],
  ])('refuses %j', async (wrong, message) => {
    const options = { model: separable().bytes(), ...wrong } as unknown as CalibratorOptions;
    await expect(Calibrator.create(options)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    });
  });
});

describe("residuals: 'exact'", () => {
  const exact = { algo: 'auto' } as const;

  it('rounds a residual sum once only, in the same step, and onnxruntime answers alike', async () => {
    const model = separable();
    const reference = await answers(model.bytes(), others);
    const [rounded, once] = [
      await calibrated(model, samples, { algo: 'auto', residuals: 'rounded' }),
      await calibrated(model, samples, exact),
    ];
    const quantizers = ({ graph }: typeof once): number =>
      [...graph.nodes].filter(({ op }) => op === 'QuantizeLinear').length;
    expect(quantizers(once)).toBe(quantizers(rounded) - 1);
    expect(sqnr(reference, await answers(once.bytes, others))).toBeGreaterThan(35);
    await expectLikeOnnxruntime(once.bytes);
    const session = await InferenceSession.create(once.bytes, { threadsPerStream: 1 });
    expect(session.precision).toBe('int8');
    const { steps } = await session.info({ x: [1, 3, 12, 12] });
    await session.release();
    expect(steps.filter(({ kernel }) => kernel === 'binary')).toEqual([]);
  });

  it('is another word than those two', async () => {
    const options = { model: separable().bytes(), residuals: 'none' } as unknown as CalibratorOptions;
    await expect(Calibrator.create(options)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/"exact" or "rounded" for residuals/),
    });
  });
});

describe('KeptSamples', () => {
  it('keeps what is spread evenly over all, never more than the limit', () => {
    const kept = new KeptSamples(4);
    noise(19, [1]).forEach((tensor, i) => {
      (tensor.data as Float32Array)[0] = i;
      kept.add([tensor]);
    });
    expect(kept.all.map(([tensor]) => tensor!.data[0])).toEqual([0, 8, 16]);
  });

  it('keeps copies', () => {
    const kept = new KeptSamples(4);
    const [tensor] = noise(1, [1]);
    const before = tensor!.data[0];
    kept.add([tensor!]);
    tensor!.data[0] = 99;
    expect(kept.all[0]![0]!.data[0]).toBe(before);
  });
});
