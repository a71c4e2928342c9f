import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { Calibrator, InferenceSession, Tensor, type CalibratorOptions } from '../../lib';
import { openDataset, readImageFolder, spread } from '../../lib/evaluation/dataset';
import { evaluate, type EvaluationResult } from '../../lib/evaluation/evaluate';
import { loadPixels } from '../../lib/evaluation/image';
import { Normalizer } from '../../lib/evaluation/normalize';
import { PRESETS } from '../../lib/evaluation/preprocessing';
import type { Runnable } from '../../lib/evaluation/runnable';
import { dataPath } from '../support/data';

/** A network of the shared data with the preprocessing that it wants. */
export interface ImagenetNetwork {
  readonly name: string;
  readonly preset: 'imagenet' | 'symmetric';
  /** What is added to a label. */
  readonly labelOffset: number;
}

export const NETWORKS = {
  resnet50: { name: 'resnet50', preset: 'imagenet', labelOffset: 0 },
  mobilenetV1: { name: 'mobilenet_v1_1.0_224', preset: 'symmetric', labelOffset: 1 },
  mobilenetV1Quarter: { name: 'mobilenet_v1_0.25_224', preset: 'imagenet', labelOffset: 0 },
  mobilenetV2: { name: 'mobilenet_v2_1.0_224', preset: 'symmetric', labelOffset: 1 },
  squeezenet: { name: 'squeezenet1.1', preset: 'imagenet', labelOffset: 0 },
} as const satisfies Record<string, ImagenetNetwork>;

export interface Outcome {
  /** INT8 against our FP32. */
  fp32: EvaluationResult;
  /** INT8 here against the same file in onnxruntime. */
  onnxruntime: EvaluationResult;
  /** Percentage points of top-1 that INT8 loses. */
  drop: number;
}

/** Calibrates with 50 images unless told otherwise, saves, and compares the saved network with FP32 and with onnxruntime on `count` images. */
export async function calibrateAndCompare(
  network: ImagenetNetwork,
  options: Omit<CalibratorOptions, 'model'>,
  count: number,
  images = 50,
): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'calibr8-e2e-'));
  try {
    const model = dataPath('models', `${network.name}.onnx`)!;
    const output = join(folder, 'int8.onnx');
    await calibrate(network, { model, output, ...options }, images);
    return await compare(network, model, output, count);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function calibrate(
  { preset }: ImagenetNetwork,
  options: CalibratorOptions,
  images: number,
): Promise<void> {
  const calibrator = await Calibrator.create({ threads: 1, ...options });
  const preprocessing = PRESETS[preset];
  const normalizer = new Normalizer(preprocessing);
  for (const { file } of spread(await readImageFolder(dataPath('imagenet-calib')!), images)) {
    const data = new Float32Array(normalizer.size);
    normalizer.write(await loadPixels(file, preprocessing), data, 0);
    await calibrator.run({ [calibrator.inputNames[0]!]: new Tensor('float32', data, normalizer.dims(1)) });
    await calibrator.sampleData();
  }
  await calibrator.saveInt8Model();
  await calibrator.release();
}

/** The evaluation of a quantized file here against the same file in onnxruntime, on `count` images. */
export async function compareWithOnnxruntime(
  network: ImagenetNetwork,
  file: string,
  count: number,
): Promise<EvaluationResult> {
  const session = await InferenceSession.create(file, { threadsPerStream: 1 });
  const peer = await ort.InferenceSession.create(file, { intraOpNumThreads: 1 });
  const options = await evaluationOf(network, count);
  const result = await evaluate({ ...options, session, reference: runnable(peer, session) });
  await Promise.all([session.release(), peer.release()]);
  return result;
}

/** Validation images, spread over the set, as the network wants them. */
async function evaluationOf({ preset, labelOffset }: ImagenetNetwork, count: number) {
  const images = await openDataset({
    data: dataPath('imagenet-val', 'images')!,
    labels: dataPath('imagenet-val', 'val_list.txt')!,
    labelOffset,
  });
  return { samples: spread(images, count), preprocessing: { ...PRESETS[preset], resize: null } };
}

async function compare(
  network: ImagenetNetwork,
  model: string,
  output: string,
  count: number,
): Promise<Outcome> {
  const options = await evaluationOf(network, count);
  const session = await InferenceSession.create(output, { threadsPerStream: 1 });
  const reference = await InferenceSession.create(model, { threadsPerStream: 1 });
  const fp32 = await evaluate({ ...options, session, reference });
  await Promise.all([session.release(), reference.release()]);
  const onnxruntime = await compareWithOnnxruntime(network, output, count);
  return { fp32, onnxruntime, drop: fp32.reference!.top1! - fp32.top1! };
}

/** onnxruntime's session in the place of ours; the metadata are the same file's. */
function runnable(peer: ort.InferenceSession, ours: InferenceSession): Runnable {
  return {
    outputNames: ours.outputNames,
    inputMetadata: ours.inputMetadata,
    async run(feeds) {
      const converted = Object.entries(feeds).map(
        ([name, { data, dims }]) => [name, new ort.Tensor('float32', data as Float32Array, dims)] as const,
      );
      const results = await peer.run(Object.fromEntries(converted));
      return Object.fromEntries(
        Object.entries(results).map(([name, { data, dims }]) => [
          name,
          new Tensor('float32', data as Float32Array, dims),
        ]),
      );
    },
  };
}
