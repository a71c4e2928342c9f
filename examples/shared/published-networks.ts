import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildMobileNetV1 } from '../networks/mobilenet-v1';
import { buildResNet50 } from '../networks/resnet50';
import { calibrate } from './calibrate';
import { noiseFeeds } from './noise';
import type { OnProgress } from './task';

/** The networks of the publication, in their full shapes with seeded weights, and how they were calibrated there. */
export const PUBLISHED_NETWORKS = [
  { name: 'ResNet-50', file: 'resnet50.onnx', algo: 'max', build: buildResNet50 },
  { name: 'MobileNet-V1', file: 'mobilenet_v1.onnx', algo: 'KL', build: buildMobileNetV1 },
] as const;

export type PublishedNetwork = (typeof PUBLISHED_NETWORKS)[number];

/** Enough for ranges: nothing is learned from random weights but speed. */
const SAMPLES = 4;

/** An FP32 network and its INT8 version, as files. */
export interface NetworkPair {
  name: string;
  fp32: string;
  int8: string;
}

/** Writes a network of published shape and its calibrated version into a folder. */
export async function writePublishedPair(
  network: PublishedNetwork,
  folder: string,
  onProgress?: OnProgress,
): Promise<NetworkPair> {
  const fp32 = join(folder, network.file);
  const int8 = fp32.replace(/\.onnx$/, '.int8.onnx');
  await writeFile(fp32, network.build());
  await calibrate({
    model: fp32,
    output: int8,
    algo: network.algo,
    // onnxruntime, which the benchmark runs on the same files, is fastest so.
    residuals: 'rounded',
    preprocessing: 'seeded noise of mean 0 and variance 1',
    feeds: (inputs) => noiseFeeds(inputs, SAMPLES),
    samples: SAMPLES,
    onProgress,
  });
  return { name: network.name, fp32, int8 };
}
