/** @jest-environment ./test/support/native-arrays-environment.js */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Graph } from '../../lib/graph/graph';
import { readModel, saveModel, writeModel } from '../../lib/onnx';
import { dataPath, describeWithData } from '../support/data';
import { summary } from './support';

const MODELS = [
  'mobilenet_v1_0.25_224.onnx',
  'squeezenet1.1.onnx',
  'real/angle_net.onnx',
  'real/mnist-cnn.onnx',
  'real/mnist-mlp/mnist.onnx',
  'real/ultraface-rfb-320.onnx',
  'real/yunet_n_320_320.onnx',
];

describeWithData('models of real networks', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'calibr8-onnx-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each(MODELS)('%s survives read, write and read', async (name) => {
    const graph = await readModel(dataPath('models', ...name.split('/'))!);
    const bytes = writeModel(graph);
    const again = await readModel(bytes);
    expect(summary(again)).toEqual(summary(graph));
    expect(Buffer.compare(writeModel(again), bytes)).toBe(0);
  });

  test.each(MODELS)('%s, written, gives the same answers in onnxruntime', async (name) => {
    const source = dataPath('models', ...name.split('/'))!;
    const graph = await readModel(source);
    const written = join(folder, 'written.onnx');
    await saveModel(graph, written, { externalData: name.startsWith('real') });
    const feeds = feedsFor(graph);
    expect(await answers(written, feeds)).toEqual(await answers(source, feeds));
  });

  test('ResNet-50 is read without copying its weights', async () => {
    const graph = await readModel(dataPath('models', 'resnet50.onnx')!);
    const large = [...graph.values()].flatMap(({ constant }) =>
      constant && constant.bytes.byteLength > 1e5 ? [constant.bytes.buffer] : [],
    );
    expect(large.length).toBeGreaterThan(30);
    expect(new Set(large).size).toBe(1);
    expect(large[0]!.byteLength).toBe(102470327);
  });
});

function feedsFor(graph: Graph): Record<string, Tensor> {
  return Object.fromEntries(
    graph.inputs.map(({ name, shape }) => {
      const dims = shape!.map((dim) => (typeof dim === 'number' ? dim : 1));
      const count = dims.reduce((a, b) => a * b, 1);
      return [
        name,
        new Tensor(
          'float32',
          Float32Array.from({ length: count }, (_, i) => (i % 255) / 255),
          dims,
        ),
      ];
    }),
  );
}

async function answers(path: string, feeds: Record<string, Tensor>): Promise<unknown> {
  const session = await InferenceSession.create(path, {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
    graphOptimizationLevel: 'disabled',
  });
  const results = await session.run(feeds);
  const plain = Object.entries(results).map(([name, { dims, data }]) => [name, dims, data]);
  await session.release();
  return plain;
}
