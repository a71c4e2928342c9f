import * as ort from 'onnxruntime-node';
import { Calibrator, InferenceSession, Tensor, type CalibratorOptions } from '../../lib';
import type { Graph } from '../../lib/graph/graph';
import { calibrated, noise } from '../calibration/calibrated';
import { ModelBuilder } from '../support/model';

const SHAPE = [1, 4, 8, 8];
// Mostly small with rare peaks, as activations are: averages are far below them.
const peaked = (count: number, seed: number): Tensor[] =>
  noise(count, SHAPE, seed).map(
    ({ data }) =>
      new Tensor(
        'float32',
        (data as Float32Array).map((x) => x ** 9),
        SHAPE,
      ),
  );
const samples = peaked(64, 1);
const others = peaked(16, 77);

/** A convolution, an average beside a maximum pooling joined again, a second one, global averages, a fully connected layer. */
function network(): ModelBuilder {
  const model = new ModelBuilder(13);
  const x = model.input('x', SHAPE);
  const weights = (seed: number, dims: number[]) =>
    model.constant(noise(1, dims, seed)[0]!.data as Float32Array, dims);
  const window = { kernel_shape: [2, 2], strides: [2, 2] };
  const a = model.node('Relu', [model.node('Conv', [x, weights(2, [8, 4, 3, 3])], { pads: [1, 1, 1, 1] })]);
  const average = model.node('AveragePool', [a], window);
  const most = model.node('MaxPool', [a], window);
  const joined = model.node('Concat', [average, most], { axis: 1 });
  const b = model.node('Relu', [model.node('Conv', [joined, weights(3, [8, 16, 1, 1])])]);
  const flat = model.node('Flatten', [model.node('GlobalAveragePool', [b])]);
  return model.output(model.node('Gemm', [flat, weights(4, [8, 5])]), 'float32', [1, 5]);
}

/** For the first node of each type the scales of its input and of its result. */
function scales(graph: Graph, op: string): [number, number] {
  const node = [...graph.nodes].find((one) => one.op === op)!;
  const dequantized = node.inputs[0]!.producer!;
  const [quantizer] = [...node.outputs[0]!.consumers];
  expect([dequantized.op, quantizer!.op]).toEqual(['DequantizeLinear', 'QuantizeLinear']);
  const scale = ({ inputs }: typeof dequantized): number => inputs[1]!.constant!.toFloat32()[0]!;
  return [scale(dequantized), scale(quantizer!)];
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

describe('averages', () => {
  it("keep their input's scale unless they are to have their own", async () => {
    const { graph } = await calibrated(network(), samples);
    for (const op of ['AveragePool', 'GlobalAveragePool']) {
      const [input, result] = scales(graph, op);
      expect(result).toBe(input);
    }
    expect(graph.metadata.get('calibr8.averages')).toBe('shared');
  });

  it("with a scale of their own use more levels; a concat's inputs still share one", async () => {
    const { graph, summary } = await calibrated(network(), samples, { averages: 'own' });
    const [input, result] = scales(graph, 'GlobalAveragePool');
    expect(result).toBeLessThan(0.6 * input);
    // Joined with the maxima, which have the convolution's range.
    const [before, after] = scales(graph, 'AveragePool');
    expect(after).toBe(before);
    expect(scales(graph, 'MaxPool')).toEqual([before, before]);
    expect(graph.metadata.get('calibr8.averages')).toBe('own');
    expect(summary.tensors.every(({ sqnrDb }) => sqnrDb! > 15)).toBe(true);
  });

  it('are nearer to FP32 then, computed in INT8, and answered alike by onnxruntime', async () => {
    const fp32 = await answers(network().bytes());
    const [shared, own] = [
      await calibrated(network(), samples),
      await calibrated(network(), samples, { averages: 'own' }),
    ];
    const received = await answers(own.bytes);
    expect(errorPower(fp32, received)).toBeLessThan(0.7 * errorPower(fp32, await answers(shared.bytes)));

    const session = await InferenceSession.create(own.bytes, { threadsPerStream: 1 });
    const { steps } = await session.info({ x: SHAPE });
    await session.release();
    // Nothing is converted but the input.
    expect(steps.filter(({ kernel }) => kernel === 'conversion' || kernel === 'reorder')).toHaveLength(1);

    const peer = await ort.InferenceSession.create(own.bytes);
    const theirs: number[] = [];
    for (const x of others) {
      const input = new ort.Tensor('float32', x.data as Float32Array, SHAPE);
      theirs.push(...((await peer.run({ x: input }))[peer.outputNames[0]!]!.data as Float32Array));
    }
    await peer.release();
    expect(errorPower(theirs, received)).toBeLessThan(0.2 * errorPower(fp32, received));
  });

  it("have their own where `algo: 'auto'` is to lose least, unless told otherwise", async () => {
    const { graph } = await calibrated(network(), samples, { algo: 'auto' });
    const [input, result] = scales(graph, 'GlobalAveragePool');
    expect(result).toBeLessThan(input);
    const told = await calibrated(network(), samples, { algo: 'auto', averages: 'shared' });
    const [a, b] = scales(told.graph, 'GlobalAveragePool');
    expect(b).toBe(a);
  });

  it('are shared or own', async () => {
    const options = { model: network().bytes(), averages: 'both' } as unknown as CalibratorOptions;
    await expect(Calibrator.create(options)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/"shared" or "own" for averages/),
    });
  });
});
