import { InferenceSession as OnnxRuntime, Tensor as OrtTensor } from 'onnxruntime-node';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Calibrator, InferenceSession } from '../../lib';
import { measureComplexity } from '../../lib/evaluation/complexity';
import { ComparisonMeter } from '../../lib/evaluation/metrics';
import { readModel } from '../../lib/onnx';
import type { ProgramInfo } from '../../lib/runtime/program-info';
import type { TensorMap } from '../../lib/runtime/session';
import type { ModelBuilder } from './model';

export interface Quantized {
  int8Percent: number;
  /** For each probe: INT8 against FP32, decibels. */
  sqnrDb: number[];
  /** For each probe: INT8 here against the same file in onnxruntime. */
  peerDb: number[];
  info: ProgramInfo;
}

/** Calibrates without options and runs the saved file here and in onnxruntime. */
export async function quantized(
  model: ModelBuilder,
  samples: readonly TensorMap[],
  probes: readonly TensorMap[],
): Promise<Quantized> {
  const folder = await mkdtemp(join(tmpdir(), 'calibr8-test-'));
  try {
    const output = join(folder, 'int8.onnx');
    const calibrator = await Calibrator.create({ model: model.bytes(), output, threads: 1 });
    for (const feeds of samples) {
      await calibrator.run(feeds);
      await calibrator.sampleData();
    }
    await calibrator.saveInt8Model();
    await calibrator.release();
    return await compare(model, output, probes);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function compare(
  model: ModelBuilder,
  output: string,
  probes: readonly TensorMap[],
): Promise<Quantized> {
  const fp32 = await InferenceSession.create(model.bytes(), { threadsPerStream: 1 });
  const int8 = await InferenceSession.create(output, { threadsPerStream: 1 });
  const peer = await OnnxRuntime.create(output, { logSeverityLevel: 3 });
  const [sqnrDb, peerDb]: [number[], number[]] = [[], []];
  for (const feeds of probes) {
    const [wanted, received] = [await fp32.run(feeds), await int8.run(feeds)];
    const theirs = await peer.run(converted(feeds));
    for (const name of fp32.outputNames) {
      const ours = received[name]!.data as Float32Array;
      sqnrDb.push(decibels(wanted[name]!.data as Float32Array, ours));
      peerDb.push(decibels(theirs[name]!.data as Float32Array, ours));
    }
  }
  const info = await int8.info();
  await Promise.all([fp32.release(), int8.release(), peer.release()]);
  const dims = Object.fromEntries(Object.entries(probes[0]!).map(([name, { dims }]) => [name, dims]));
  const { multiplyAdds, int8MultiplyAdds } = measureComplexity(await readModel(output), dims);
  return { int8Percent: (100 * int8MultiplyAdds) / multiplyAdds, sqnrDb, peerDb, info };
}

function decibels(reference: Float32Array, values: Float32Array): number {
  const meter = new ComparisonMeter();
  meter.add(reference, values);
  return meter.sqnrDb;
}

function converted(feeds: TensorMap): Record<string, OrtTensor> {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { type, data, dims }]) => [
      name,
      new OrtTensor(type as 'float32', data as Float32Array, dims),
    ]),
  );
}
