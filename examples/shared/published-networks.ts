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

/** Writes a network of published shape and its calibrated version, as calibr8 makes it by default, into a folder. */
export async function writePublishedPair(
  network: PublishedNetwork,
  folder: string,
  onProgress?: OnProgress,
): Promise<NetworkPair> {
  const fp32 = join(folder, network.file);
  await writeFile(fp32, network.build());
  return { name: network.name, fp32, int8: await writeInt8(network, fp32, 'exact', onProgress) };
}

/** Calibrates a network of published shape; resolves with the path of the INT8 file, beside the FP32 one. */
export async function writeInt8(
  network: PublishedNetwork,
  fp32: string,
  residuals: 'exact' | 'rounded',
  onProgress?: OnProgress,
): Promise<string> {
  const output = fp32.replace(/\.onnx$/, residuals === 'exact' ? '.int8.onnx' : `.${residuals}.int8.onnx`);
  await calibrate({
    model: fp32,
    output,
    algo: network.algo,
    residuals,
    preprocessing: 'seeded noise of mean 0 and variance 1',
    feeds: (inputs) => noiseFeeds(inputs, SAMPLES),
    samples: SAMPLES,
    onProgress,
  });
  return output;
}
