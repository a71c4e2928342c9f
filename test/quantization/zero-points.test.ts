import * as ort from 'onnxruntime-node';
import { Calibrator, InferenceSession, mergeTables, Tensor, type CalibratorOptions } from '../../lib';
import type { Graph } from '../../lib/graph/graph';
import { calibrated, noise, withFolder } from '../calibration/calibrated';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { hasVnni } from '../support/vnni';

const SHAPE = [1, 8, 12, 12];
const samples = noise(24, SHAPE, 1);
const others = noise(8, SHAPE, 99);

/** Hard-swish everywhere: convolutions, a depthwise one, a linear one with a residual; two fully connected layers if asked for. */
function network(activation = 'HardSwish', classifies = false): ModelBuilder {
  const model = new ModelBuilder(14);
  const random = new Random(5);
  const weights = (...dims: number[]) => {
    const count = dims.reduce((a, b) => a * b, 1);
    const reach = Math.sqrt(6 / (count / dims[0]!));
    return model.constant(random.floats(count, -reach, reach), dims);
  };
  const pads = { pads: [1, 1, 1, 1] };
  const x = model.input('x', SHAPE);
  const a = model.node(activation, [model.node('Conv', [x, weights(32, 8, 3, 3)], pads)]);
  const b = model.node(activation, [model.node('Conv', [a, weights(32, 1, 3, 3)], { ...pads, group: 32 })]);
  const c = model.node('Conv', [b, weights(32, 32, 1, 1)]);
  const d = model.node(activation, [model.node('Add', [a, c])]);
  const last = model.node(activation, [model.node('Conv', [d, weights(32, 32, 3, 3)], pads)]);
  const final = model.node('Conv', [last, weights(32, 32, 1, 1)]);
  if (!classifies) return model.output(final, 'float32', [1, 32, 12, 12]);
  const pooled = model.node('Flatten', [model.node('GlobalAveragePool', [final])]);
  const e = model.node(activation, [model.node('Gemm', [pooled, weights(32, 24)])]);
  return model.output(model.node('Gemm', [e, weights(24, 10)]), 'float32', [1, 10]);
}

async function answers(bytes: Uint8Array): Promise<number[]> {
  const session = await InferenceSession.create(bytes, { threadsPerStream: 1 });
  const results: number[] = [];
  for (const x of others)
    results.push(...((await session.run({ x }))[session.outputNames[0]!]!.data as Float32Array));
  await session.release();
  return results;
}

const errorPower = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);

/** The zero point of every quantization of activations. */
function zeroPoints(graph: Graph): { dtype: string; zero: number }[] {
  return [...graph.nodes]
    .filter(({ op }) => op === 'QuantizeLinear')
    .map(({ inputs }) => ({ dtype: inputs[2]!.dtype!, zero: inputs[2]!.constant!.toNumbers()[0]! }));
}

describe('zero points', () => {
  it('are 0 unless they may be others', async () => {
    const { graph, summary } = await calibrated(network(), samples);
    expect(zeroPoints(graph).map(({ zero }) => zero)).toEqual(zeroPoints(graph).map(() => 0));
    expect(summary.tensors.some(({ dtype }) => dtype === 'int8')).toBe(true);
    expect(graph.metadata.get('calibr8.activations')).toBe('symmetric');
  });

  it('let a hard-swish use all levels: nearer to FP32, in INT8 throughout, and alike in onnxruntime', async () => {
    const same = { residuals: 'exact' } as const;
    const fp32 = await answers(network().bytes());
    const symmetric = await calibrated(network(), samples, same);
    const asymmetric = await calibrated(network(), samples, { ...same, activations: 'asymmetric' });
    expect(zeroPoints(asymmetric.graph).filter(({ zero }) => zero > 0).length).toBeGreaterThanOrEqual(4);
    const received = await answers(asymmetric.bytes);
    expect(errorPower(fp32, received)).toBeLessThan(0.6 * errorPower(fp32, await answers(symmetric.bytes)));

    const session = await InferenceSession.create(asymmetric.bytes, { threadsPerStream: 1 });
    const { steps } = await session.info({ x: SHAPE });
    await session.release();
    const layers = steps.filter(({ kernel }) => ['convolution', 'inner_product', 'matmul'].includes(kernel));
    expect(layers).toHaveLength(5);
    if (hasVnni()) for (const { implementation } of layers) expect(implementation).toMatch(/vnni|int8/);

    const peer = await ort.InferenceSession.create(asymmetric.bytes);
    const theirs: number[] = [];
    for (const x of others) {
      const input = new ort.Tensor('float32', x.data as Float32Array, SHAPE);
      theirs.push(...((await peer.run({ x: input }))[peer.outputNames[0]!]!.data as Float32Array));
    }
    await peer.release();
    expect(errorPower(theirs, received)).toBeLessThan(0.05 * errorPower(fp32, received));
  });

  it('are given only where they take a decibel off the error', async () => {
    const { graph, summary } = await calibrated(network('Tanh'), samples, {
      activations: 'asymmetric',
      residuals: 'exact',
    });
    // Symmetric about zero, as the input is.
    expect(zeroPoints(graph).every(({ zero }) => zero === 0)).toBe(true);
    expect(summary.tensors.every(({ zeroPoint }) => zeroPoint === 0)).toBe(true);
  });

  it('stay 0 where sums of rounded operands would no longer be fused', async () => {
    const { summary } = await calibrated(network(), samples, {
      residuals: 'rounded',
      activations: 'asymmetric',
    });
    const [x, first] = summary.tensors;
    expect([x!.name, x!.zeroPoint]).toEqual(['x', 0]);
    // The first hard-swish is added later; the second one is not.
    expect(first!.zeroPoint).toBe(0);
    expect(summary.tensors.some(({ zeroPoint }) => zeroPoint > 0)).toBe(true);
  });

  it('are the same from a table, and from the tables of shards', async () => {
    const settings = { algo: 'auto', activations: 'asymmetric', threads: 1 } as const;
    const whole = await calibrated(network(), samples, settings);
    expect(whole.summary.tensors.some(({ zeroPoint }) => zeroPoint > 0)).toBe(true);
    await withFolder(async (folder) => {
      const tables = [];
      for (const part of [0, 1]) {
        const calibrator = await Calibrator.create({ model: network().bytes(), ...settings });
        for (const x of samples.filter((_, i) => i % 2 === part)) {
          await calibrator.run({ x });
          await calibrator.sampleData();
        }
        tables.push(await calibrator.saveTable(`${folder}/${part}.json`));
        await calibrator.release();
      }
      const { summary } = await calibrated(network(), [], { table: mergeTables(tables) });
      expect(summary.tensors).toEqual(whole.summary.tensors);
    });
  });

  it('stay 0 before matrix products, which have no fast code for others', async () => {
    const model = network('HardSwish', true);
    const { graph } = await calibrated(model, samples, { activations: 'asymmetric', algo: 'auto' });
    const gemms = [...graph.nodes].filter(({ op }) => op === 'Gemm');
    expect(gemms).toHaveLength(2);
    for (const { inputs } of gemms)
      expect(inputs[0]!.producer!.inputs[2]!.constant!.toNumbers()).toEqual([0]);
  });

  it('go with every refinement', async () => {
    const fp32 = await answers(network().bytes());
    const settings = { algo: 'auto', biasCorrection: true, equalization: true, rounding: 'learned' } as const;
    const power = async (activations: 'symmetric' | 'asymmetric'): Promise<number> => {
      const { bytes } = await calibrated(network(), samples, { ...settings, activations });
      return errorPower(fp32, await answers(bytes));
    };
    expect(await power('asymmetric')).toBeLessThan(0.7 * (await power('symmetric')));
  });

  it('are symmetric or asymmetric', async () => {
    const options = { model: network().bytes(), activations: 'both' } as unknown as CalibratorOptions;
    await expect(Calibrator.create(options)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/"symmetric" or "asymmetric" for activations/),
    });
  });

  it('reach a tensor that is never negative in what was sampled', async () => {
    const model = new ModelBuilder();
    const x = model.input('x', [1, 4, 5, 5]);
    const weights = model.constant(new Random(3).floats(12), [3, 4, 1, 1]);
    model.output(model.node('Conv', [x, weights]), 'float32', [1, 3, 5, 5]);
    const positive = noise(4, [1, 4, 5, 5]).map(
      ({ data, dims }) => new Tensor('float32', (data as Float32Array).map(Math.abs), dims),
    );
    const { summary } = await calibrated(model, positive, { activations: 'asymmetric' });
    expect(summary.tensors).toMatchObject([{ name: 'x', dtype: 'uint8', zeroPoint: 0 }]);
  });
});
