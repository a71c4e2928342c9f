import { basename } from 'node:path';
import { Command } from 'commander';
import { profileLayers, type NetworkProfile } from '../evaluation/layer-profile';
import { syntheticFeeds } from '../evaluation/synthetic-feeds';
import { measureThroughput, type ThroughputResult } from '../evaluation/throughput';
import { checkReadable } from './files';
import { fixed, table } from './format';
import { describeHost, hostReport } from './host';
import { print, printJson, type Context } from './io';
import {
  addOutputOptions,
  addThreadOptions,
  integer,
  positiveNumber,
  resolveThreads,
  type OutputOptions,
  type ThreadOptions,
  type Threads,
} from './options';
import { profileText } from './profile-text';
import { withProgress } from './progress';

interface BenchmarkOptions extends ThreadOptions, OutputOptions {
  batch?: number;
  size: number;
  seconds: number;
  profile?: boolean;
}

interface BenchmarkResult extends ThroughputResult {
  model: string;
  precision: string;
  batch: number;
  streams: number;
  threadsPerStream: number;
  /** With --profile. */
  profile?: NetworkProfile;
}

const EXAMPLES = `
Examples:
  $ calibr8 benchmark resnet50.onnx resnet50.int8.onnx --threads 1
  $ calibr8 benchmark net.int8.onnx --batch 8 --streams 2 --threads 4 --json
  $ calibr8 benchmark net.int8.onnx --profile --threads 1
  $ OMP_NUM_THREADS=20 taskset -c 0-19 calibr8 benchmark net.int8.onnx

One trial is a fifth of the seconds; images/s are median, least and most over
the trials, latencies are of single runs. Inputs are pseudo-random.`;

/** `calibr8 benchmark`: images a second and latencies on made-up inputs. */
export function benchmarkCommand(context: Context): Command {
  const command = new Command('benchmark')
    .summary('measure the speed of networks')
    .description(
      'Measures images a second and the latency of single runs, one network after the other. ' +
        'Of several streams none runs dry: one run more than they are is always waiting, which the latency has in it.',
    )
    .argument('<models...>', 'ONNX models, FP32 or INT8')
    .option('--batch <B>', 'images a run (default: 1, or what the network is fixed to)', integer(1))
    .option('--size <N>', 'size of every other dimension that the network leaves open', integer(1), 224)
    .option('--seconds <N>', 'time to measure each network', positiveNumber, 5)
    .option('--profile', 'also show where the time goes, layer by layer, beside what the processor can do');
  addOutputOptions(addThreadOptions(command));
  return command
    .addHelpText('after', EXAMPLES)
    .action((models: string[], options: BenchmarkOptions) => run(context, models, options));
}

async function run(context: Context, models: readonly string[], options: BenchmarkOptions): Promise<void> {
  const { io, services } = context;
  await checkReadable(models);
  const threads = resolveThreads(options);
  const host = options.json ? hostReport(await services.addonInfo()) : await describeHost(context, threads);
  const results: BenchmarkResult[] = [];
  await withProgress(io, 'Measuring', '', async (update) => {
    for (const [index, model] of models.entries()) {
      const onProgress = (share: number): void => update(index + share, models.length);
      results.push(await measure(context, model, options, threads, onProgress));
    }
  });
  if (options.json) printJson(io, { ...host, results });
  else print(io, [resultText(results), ...profileTexts(results, threads)].join('\n\n'));
}

async function measure(
  { io, services }: Context,
  model: string,
  options: BenchmarkOptions,
  { streams, threadsPerStream }: Threads,
  onProgress: (share: number) => void,
): Promise<BenchmarkResult> {
  const session = await services.createSession(model, { streams, threadsPerStream });
  try {
    const { feeds, batch } = syntheticFeeds(session.inputMetadata, options);
    const { seconds } = options;
    const speed = await measureThroughput({
      session,
      feeds,
      batch,
      streams,
      seconds,
      onProgress,
      signal: io.signal,
    });
    const facts = { model, precision: session.precision, batch, streams, threadsPerStream };
    if (!options.profile) return { ...facts, ...speed };
    const measurePeaks = () => services.measurePeaks(threadsPerStream);
    const profile = await profileLayers({ session, feeds, measurePeaks, seconds, signal: io.signal });
    return { ...facts, ...speed, profile };
  } finally {
    await session.release();
  }
}

function profileTexts(results: readonly BenchmarkResult[], { threadsPerStream }: Threads): string[] {
  return results.flatMap(({ model, profile }) =>
    profile ? [`${basename(model)}\n\n${profileText(profile, threadsPerStream)}`] : [],
  );
}

function resultText(results: readonly BenchmarkResult[]): string {
  return table(
    ['model', 'precision', 'batch', 'images/s', 'min', 'max', 'p50 ms', 'p90', 'p99'],
    results.map(({ model, precision, batch, imagesPerSecond: speed, latencyMs: latency }) => [
      basename(model),
      precision,
      String(batch),
      ...[speed.median, speed.min, speed.max].map((value) => fixed(value, 1)),
      ...[latency.p50, latency.p90, latency.p99].map((value) => fixed(value, 2)),
    ]),
    { left: [0, 1] },
  );
}
