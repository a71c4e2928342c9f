import { syntheticFeeds } from '../lib/evaluation/synthetic-feeds';
import { InferenceSession } from '../lib/runtime/session';
import type { Tensor } from '../lib/tensor';
import type { Engine } from './protocol';

/** A loaded network with inputs at hand, so that nothing but the run is timed. */
export interface Runner {
  batch: number;
  run(): Promise<unknown>;
}

export interface RunnerOptions {
  model: string;
  batch: number;
  streams: number;
  threads: number;
}

export const OPEN: Record<Engine, (options: RunnerOptions) => Promise<Runner>> = {
  calibr8: openCalibr8,
  onnxruntime: openOnnxruntime,
};

/** Whether onnxruntime-node can be loaded here. */
export function hasOnnxruntime(): boolean {
  try {
    require.resolve('onnxruntime-node');
    return true;
  } catch {
    return false; // a development dependency: absent in a production install
  }
}

async function openCalibr8({ model, batch, streams, threads }: RunnerOptions): Promise<Runner> {
  const session = await InferenceSession.create(model, { streams, threadsPerStream: threads });
  const { feeds, batch: actual } = syntheticFeeds(session.inputMetadata, { batch });
  return { batch: actual, run: () => session.run(feeds) };
}

/** What is not in use; who finds none waits. */
class Idle<T> {
  readonly #items: T[] = [];
  readonly #waiting: ((item: T) => void)[] = [];

  put(item: T): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(item);
    else this.#items.push(item);
  }

  take(): T | Promise<T> {
    return this.#items.pop() ?? new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** A session a stream, since concurrent runs of one session share its threads. */
async function openOnnxruntime({ model, batch, streams, threads }: RunnerOptions): Promise<Runner> {
  const ort = loadOnnxruntime();
  const sessions = new Idle<() => Promise<unknown>>();
  let actual = batch;
  for (let i = 0; i < streams; ++i) {
    const session = await ort.InferenceSession.create(model, {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
    });
    const inputs = session.inputMetadata.filter((input) => input.isTensor);
    const made = syntheticFeeds(inputs as unknown as Parameters<typeof syntheticFeeds>[0], { batch });
    actual = made.batch;
    const feeds = Object.fromEntries(
      Object.entries(made.feeds).map(([name, tensor]) => [name, toOnnxruntime(ort, tensor)]),
    );
    sessions.put(() => session.run(feeds));
  }
  return {
    batch: actual,
    async run() {
      const next = await sessions.take();
      try {
        return await next();
      } finally {
        sessions.put(next);
      }
    },
  };
}

type Onnxruntime = typeof import('onnxruntime-node');

function loadOnnxruntime(): Onnxruntime {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded only where it is measured
  return require('onnxruntime-node') as Onnxruntime;
}

function toOnnxruntime(ort: Onnxruntime, { type, data, dims }: Tensor): InstanceType<Onnxruntime['Tensor']> {
  return new ort.Tensor(type as 'float32', data as Float32Array, dims);
}
