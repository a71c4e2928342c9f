import { readFile } from 'node:fs/promises';
import { noiseFeeds } from '../examples/shared/noise';
import type { Feeds } from '../examples/shared/task';
import { Calibrator } from '../lib/calibration/calibrator';
import type { InputMetadata } from '../lib/evaluation/runnable';
import { InferenceSession } from '../lib/runtime/session';
import type { Cost } from './protocol';

/** What is common to a calibrator and a session here. */
interface Network {
  readonly inputMetadata: readonly InputMetadata[];
}

/** FP32 runs as an application does them, which a calibration's cost is compared with. */
export function measureRuns(task: { model: string; threads: number; samples: number }): Promise<Cost> {
  return measure(task.samples, {
    load: () => InferenceSession.create(task.model, { threadsPerStream: task.threads }),
    run: (session, feeds) => session.run(feeds),
    save: async () => undefined,
  });
}

/** All three steps of a calibration. */
export function measureCalibration(task: {
  model: string;
  algo: 'max' | 'KL';
  threads: number;
  samples: number;
  output: string;
}): Promise<Cost> {
  const { model, algo, threads, output, samples } = task;
  return measure(samples, {
    load: () => Calibrator.create({ model, algo, threads, output }),
    async run(calibrator, feeds) {
      await calibrator.run(feeds);
      await calibrator.sampleData();
    },
    save: (calibrator) => calibrator.saveInt8Model(),
  });
}

/** Times the phases; making the inputs is part of none. */
async function measure<T extends Network>(
  samples: number,
  work: {
    load: () => Promise<T>;
    run: (network: T, feeds: Feeds) => Promise<unknown>;
    save: (network: T) => Promise<unknown>;
  },
): Promise<Cost> {
  const clock = async <R>(add: (seconds: number) => void, action: () => Promise<R>): Promise<R> => {
    const start = performance.now();
    const result = await action();
    add((performance.now() - start) / 1000);
    return result;
  };
  const cost = { load: 0, runs: 0, save: 0 };
  const network = await clock((seconds) => (cost.load = seconds), work.load);
  for await (const feeds of noiseFeeds(network.inputMetadata, samples))
    await clock(
      (seconds) => (cost.runs += seconds),
      () => work.run(network, feeds),
    );
  await clock(
    (seconds) => (cost.save = seconds),
    () => work.save(network),
  );
  return { ...cost, peakBytes: await peakMemory() };
}

/** VmHWM: the most memory that this process ever had resident. */
async function peakMemory(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8');
  return 1024 * Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1] ?? NaN);
}
