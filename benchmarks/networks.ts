import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { UsageError } from '../lib/cli/io';
import { checkReadable, defaultOutput } from '../lib/cli/files';
import { readImageFolder, spread } from '../lib/evaluation/dataset';
import { ImageInput } from '../lib/evaluation/image-input';
import { imageChunks } from '../lib/evaluation/images';
import { formatPreprocessing, parsePreprocessing } from '../lib/evaluation/preprocessing';
import type { InputMetadata } from '../lib/evaluation/runnable';
import { calibrate } from '../examples/shared/calibrate';
import {
  PUBLISHED_NETWORKS,
  writeInt8,
  writePublishedPair,
  type NetworkPair,
} from '../examples/shared/published-networks';
import { stage } from '../examples/shared/stages';
import type { Feeds } from '../examples/shared/task';
import type { BenchmarkOptions } from './options';

const SAMPLES = 20;

export interface MeasuredPair extends NetworkPair {
  /** The INT8 file that onnxruntime runs fastest, where that is another one. */
  peerInt8?: string;
}

/** The networks to measure, written to `folder` where they are made here. */
export async function prepareNetworks(
  options: BenchmarkOptions,
  folder: string,
  peer: boolean,
): Promise<MeasuredPair[]> {
  const pairs: MeasuredPair[] = [];
  if (!options.models) {
    for (const network of PUBLISHED_NETWORKS)
      pairs.push(
        await stage(`${network.name}: building and calibrating`, '', async (progress) => {
          const pair = await writePublishedPair(network, folder, progress);
          // With residual sums of rounded branches it computes no convolution in FP32.
          return peer
            ? { ...pair, peerInt8: await writeInt8(network, pair.fp32, 'rounded', progress) }
            : pair;
        }),
      );
    return pairs;
  }
  for (const model of options.models) pairs.push(await preparePair(model, options, folder));
  return pairs;
}

async function preparePair(entry: string, options: BenchmarkOptions, folder: string): Promise<MeasuredPair> {
  const [fp32, given] = entry.split(',') as [string, string?];
  const name = basename(fp32, '.onnx');
  if (options.data !== undefined && given === undefined) {
    const output = join(folder, `${name}.int8.onnx`);
    await calibrateOnImages(fp32, output, options);
    return { name, fp32, int8: output };
  }
  const int8 = given ?? defaultOutput(fp32);
  if (given === undefined && !existsSync(int8))
    throw new UsageError(
      `--models: there is no "${int8}". Name the INT8 network after a comma, or give --data DIR to calibrate with.`,
    );
  await checkReadable([fp32, int8]);
  return { name, fp32, int8 };
}

async function calibrateOnImages(model: string, output: string, options: BenchmarkOptions): Promise<void> {
  const preprocessing = parsePreprocessing(options.preprocess);
  const samples = spread(await readImageFolder(options.data!), SAMPLES);
  async function* feeds(inputs: readonly InputMetadata[]): AsyncGenerator<Feeds> {
    const input = new ImageInput(inputs, preprocessing);
    for await (const { images } of imageChunks(samples, preprocessing, input.batch)) yield input.feed(images);
  }
  await stage(`${basename(model)}: calibrating (${options.algo})`, 'images', (onProgress) =>
    calibrate({
      model,
      output,
      algo: options.algo,
      residuals: 'rounded', // which onnxruntime runs fastest
      preprocessing: formatPreprocessing(preprocessing),
      feeds,
      samples: samples.length,
      onProgress,
    }),
  );
}
