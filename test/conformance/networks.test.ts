import { InferenceSession as OnnxRuntime, Tensor as OrtTensor } from 'onnxruntime-node';
import { resolve } from 'node:path';
import { InferenceSession, Tensor } from '../../lib/index';
import { findCases } from '../../scripts/conformance/cases';
import { runCase } from '../../scripts/conformance/run-case';
import { dataPath, describeWithData } from '../support/data';
import { Random } from '../support/random';

/** Something like images: in each plane a smooth wave with grain. */
function picture(seed: number, dims: readonly number[]): Float32Array {
  const random = new Random(seed);
  const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
  const columns = dims[dims.length - 1]!;
  const plane = dims.slice(-2).reduce((a, b) => a * b, 1);
  let [u, v, phase] = [0, 0, 0];
  for (let i = 0; i < data.length; ++i) {
    if (i % plane === 0) [u, v, phase] = random.floats(3, 0.01, 0.2) as unknown as [number, number, number];
    const [x, y] = [i % columns, Math.floor((i % plane) / columns)];
    data[i] = Math.sin(u * x + v * y + 30 * phase) + (random.next() - 0.5) * 0.4;
  }
  return data;
}

const OTHERS = [
  'real/angle_net.onnx',
  'real/mnist-cnn.onnx',
  'real/mnist-mlp/mnist.onnx',
  'real/ultraface-rfb-320.onnx',
  'real/yunet_n_320_320.onnx',
];

const NETWORKS = [
  'resnet50.onnx',
  'mobilenet_v1_1.0_224.onnx',
  'mobilenet_v1_0.25_224.onnx',
  'mobilenet_v2_1.0_224.onnx',
  'squeezenet1.1.onnx',
];

/** Runs a network here and in onnxruntime on the same image-like inputs. */
async function compare(path: string, batch: number, seed: number): Promise<void> {
  const ours = await InferenceSession.create(path);
  const theirs = await OnnxRuntime.create(path, { logSeverityLevel: 3 });
  const feeds: Record<string, Tensor> = {};
  const foreign: Record<string, OrtTensor> = {};
  for (const { name, shape } of ours.inputMetadata) {
    const dims = shape.map((dim) => (typeof dim === 'number' ? dim : batch));
    const data = picture(seed, dims);
    feeds[name] = new Tensor('float32', data, dims);
    foreign[name] = new OrtTensor('float32', data, dims);
  }
  const [actual, wanted] = [await ours.run(feeds), await theirs.run(foreign)];
  for (const name of ours.outputNames) {
    const [a, w] = [actual[name]!.data as Float32Array, wanted[name]!.data as Float32Array];
    const largest = w.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const worst = a.reduce((most, x, i) => Math.max(most, Math.abs(x - w[i]!)), 0);
    expect(actual[name]!.dims).toEqual([...wanted[name]!.dims]);
    // The absolute part is for probabilities near 0, where onnxruntime's Sigmoid is off by 1e-7.
    expect(worst).toBeLessThanOrEqual(1e-3 * largest + 1e-6);
  }
  await Promise.all([ours.release(), theirs.release()]);
}

describeWithData('networks in float32 answer as in onnxruntime', () => {
  test.each(NETWORKS)('%s, batch 1 and 2', async (file) => {
    await compare(dataPath('models', file)!, 1, 1);
    await compare(dataPath('models', file)!, 2, 2);
  });
  test.each(OTHERS)('%s', (file) => compare(dataPath('models', file)!, 1, 3));
});

const folder = resolve(dataPath('.') ?? '.', '../conformance');
const cases = findCases(folder).filter(({ name }) => name.startsWith('light/'));
const describeCases = cases.length > 0 ? describe : describe.skip;
const title = 'whole architectures of the conformance suite';

describeCases(cases.length > 0 ? title : `${title} (skipped: no conformance folder beside the data)`, () => {
  test.each(cases.map((found) => [found.name, found] as const))('%s', async (name, found) => {
    expect(await runCase(found)).toEqual({ name, status: 'passed' });
  });
  // Jest wants a test in every describe, also in one that is skipped.
  test('are three', () => expect(cases).toHaveLength(3));
});
