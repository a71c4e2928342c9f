import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession as OnnxRuntime, Tensor as OrtTensor } from 'onnxruntime-node';
import { Calibrator, InferenceSession, Tensor, type CalibratorOptions } from '../../lib';
import { measureComplexity } from '../../lib/evaluation/complexity';
import { ComparisonMeter } from '../../lib/evaluation/metrics';
import { readModel } from '../../lib/onnx';
import type { TensorMap } from '../../lib/runtime/session';
import { dataPath, describeWithData } from '../support/data';
import { REAL_NETWORKS, type RealNetwork } from './networks';

const SAMPLES = 50;
const PROBES = 50;

/**
 * Least SQNR in dB of the worst output, over all probes: without options, and with the settings for accuracy, which
 * accuracy.long.test.ts has for the ImageNet networks.
 */
const LEAST: Readonly<Record<string, { plain: number; refined?: number }>> = {
  resnet50: { plain: 19 },
  'mobilenet_v1_1.0_224': { plain: 20 },
  'mobilenet_v1_0.25_224': { plain: 17.5 },
  'mobilenet_v2_1.0_224': { plain: 13.5 },
  'squeezenet1.1': { plain: 31.5 },
  'ultraface-rfb-320': { plain: 43, refined: 48 },
  // Its worst output says how likely faces are; photographs with hardly any leave it near 0.
  yunet_n_320_320: { plain: 11, refined: 12 },
  angle_net: { plain: 20, refined: 24 },
  'mnist-cnn': { plain: 33, refined: 33 },
  'mnist-mlp': { plain: 40, refined: 40 },
};

const REFINED: Partial<CalibratorOptions> = {
  ...{ algo: 'auto', biasCorrection: true, equalization: true, residuals: 'exact' },
};

describeWithData('a real network', () => {
  it.each(REAL_NETWORKS)('$name: FP32 as in onnxruntime, INT8 close to FP32', async (network) => {
    const probes = await network.feeds('probes', PROBES);
    const fp32 = await answersOf(dataPath('models', network.path)!, probes);
    const plain = await quantized(network, {}, probes);
    const least = LEAST[network.name]!;
    const refined = least.refined === undefined ? undefined : await quantized(network, REFINED, probes);
    const sqnr = (answers: readonly TensorMap[]): number[] => sqnrOfOutputs(fp32.ours, answers);
    const figures = {
      fp32RelativeError: relativeError(fp32.theirs, fp32.ours),
      int8Percent: plain.int8Percent,
      plain: sqnr(plain.ours),
      onnxruntime: sqnr(plain.theirs),
      refined: refined ? sqnr(refined.ours) : [],
    };
    console.log(`${network.name}: ${format(figures)}`);
    expect(figures.fp32RelativeError).toBeLessThanOrEqual(1e-4);
    expect(figures.int8Percent).toBeGreaterThanOrEqual(99);
    expect(Math.min(...figures.plain)).toBeGreaterThanOrEqual(least.plain);
    expect(Math.min(...figures.refined)).toBeGreaterThanOrEqual(least.refined ?? -Infinity);
    // The same file is as close to FP32 there.
    expect(Math.min(...figures.onnxruntime)).toBeGreaterThanOrEqual(least.plain - 1);
  });
});

interface Answers {
  ours: TensorMap[];
  /** onnxruntime's. */
  theirs: TensorMap[];
}

async function answersOf(path: string, probes: readonly TensorMap[]): Promise<Answers> {
  const session = await InferenceSession.create(path, { threadsPerStream: 1 });
  const peer = await OnnxRuntime.create(path, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const [ours, theirs]: [TensorMap[], TensorMap[]] = [[], []];
  for (const feeds of probes) {
    ours.push(await session.run(feeds));
    const converted = Object.entries(feeds).map(
      ([name, { data, dims }]) => [name, new OrtTensor('float32', data as Float32Array, dims)] as const,
    );
    const results = await peer.run(Object.fromEntries(converted));
    const tensors = session.outputNames.map((name) => {
      const { data, dims } = results[name]!;
      return [name, new Tensor('float32', data as Float32Array, dims)] as const;
    });
    theirs.push(Object.fromEntries(tensors));
  }
  await Promise.all([session.release(), peer.release()]);
  return { ours, theirs };
}

async function quantized(
  network: RealNetwork,
  options: Partial<CalibratorOptions>,
  probes: readonly TensorMap[],
): Promise<Answers & { int8Percent: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'calibr8-e2e-'));
  try {
    const output = join(folder, 'int8.onnx');
    const model = dataPath('models', network.path)!;
    const calibrator = await Calibrator.create({ model, output, ...options });
    for (const feeds of await network.feeds('calibration', SAMPLES)) {
      await calibrator.run(feeds);
      await calibrator.sampleData();
    }
    await calibrator.saveInt8Model();
    await calibrator.release();
    const dims = Object.fromEntries(Object.entries(probes[0]!).map(([name, tensor]) => [name, tensor.dims]));
    const { multiplyAdds, int8MultiplyAdds } = measureComplexity(await readModel(output), dims);
    return { ...(await answersOf(output, probes)), int8Percent: (100 * int8MultiplyAdds) / multiplyAdds };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** For each output over all probes, in the network's order. */
function sqnrOfOutputs(reference: readonly TensorMap[], answers: readonly TensorMap[]): number[] {
  return Object.keys(reference[0]!).map((name) => {
    const meter = new ComparisonMeter();
    reference.forEach((wanted, i) =>
      meter.add(wanted[name]!.data as Float32Array, answers[i]![name]!.data as Float32Array),
    );
    return meter.sqnrDb;
  });
}

/** The greatest difference of an output over all probes, relative to its greatest magnitude; of several outputs, the greatest. */
function relativeError(reference: readonly TensorMap[], answers: readonly TensorMap[]): number {
  const errors = Object.keys(reference[0]!).map((name) => {
    let [magnitude, difference] = [0, 0];
    reference.forEach((wanted, i) => {
      const received = answers[i]![name]!.data as Float32Array;
      (wanted[name]!.data as Float32Array).forEach((x, at) => {
        magnitude = Math.max(magnitude, Math.abs(x));
        difference = Math.max(difference, Math.abs(x - received[at]!));
      });
    });
    return difference / magnitude;
  });
  return Math.max(...errors);
}

function format(figures: Record<string, number | number[]>): string {
  return Object.entries(figures)
    .map(([name, value]) => {
      const text =
        typeof value === 'number' ? value.toPrecision(3) : value.map((x) => x.toFixed(1)).join(' / ');
      return `${name} ${text}`;
    })
    .join(', ');
}
