import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { note, print, printJson } from '../lib/cli/io';
import { canPin } from '../examples/shared/affinity';
import { allowedProcessors, chooseProcessors } from '../lib/runtime/processors';
import { hostLine, plural, readHost, type Host } from '../examples/shared/host';
import { runCommand } from '../examples/shared/run-command';
import { IO, stage } from '../examples/shared/stages';
import { hasOnnxruntime } from './engines';
import { prepareNetworks, type MeasuredPair } from './networks';
import { benchmarkCommand, type BenchmarkOptions } from './options';
import type { Configuration } from './protocol';
import { ratiosOf, type Ratios } from './ratios';
import { calibrationText, layersText, overheadText, ratioTable, throughputTable, trialTable } from './report';
import { runCalibration, type CalibrationCost } from './run-calibration';
import { runLayers, type MeasuredLayers } from './run-layers';
import { runOverhead, type MeasuredOverhead } from './run-overhead';
import { runTrials, type Measured } from './trials';

/** Everything that a run of the benchmark found; the JSON. */
interface Report extends Host {
  pinned: boolean;
  trials: number;
  secondsPerTrial: number;
  results: Measured[];
  ratios: Ratios[];
  overhead: MeasuredOverhead[];
  layers: MeasuredLayers[];
  calibration: CalibrationCost | null;
}

type Processors = (threads: number) => readonly number[] | undefined;

async function benchmark(options: BenchmarkOptions): Promise<void> {
  const host = readHost();
  const pinned = options.pin && canPin();
  const peer = options.peer && hasOnnxruntime();
  const allowed = allowedProcessors();
  const processors: Processors = (threads) => (pinned ? chooseProcessors(threads, allowed) : undefined);
  const show = (text: string): void => {
    if (options.json !== true) print(IO, text);
  };
  show(`${hostLine(host)}\n${conditions(options, host, pinned)}`);
  if (options.peer && !peer) note(IO, 'onnxruntime-node is not installed, so calibr8 is measured alone.');

  const report: Report = {
    ...host,
    pinned,
    trials: options.trials,
    secondsPerTrial: options.seconds,
    ...{ results: [], ratios: [], overhead: [], layers: [], calibration: null },
  };
  const folder = await mkdtemp(join(tmpdir(), 'calibr8-benchmark-'));
  try {
    const pairs = await prepareNetworks(options, folder, peer && options.throughput);
    if (options.throughput) {
      report.results = await measureSpeed(pairs, options, peer, processors);
      report.ratios = ratiosOf(report.results);
      show(`\nImages per second, each trial\n\n${trialTable(report.results)}`);
      show(`\nMedian over the trials\n\n${throughputTable(report.results)}`);
      show(`\nRatios of the medians\n\n${ratioTable(report.ratios, peer)}`);
    }
    if (options.overhead) {
      const { threads, batch, quick } = options;
      report.overhead = await runOverhead(pairs, { threads, batch, seconds: quick ? 1 : 6, processors });
      show(`\nrun() against the sum of its primitives\n\n${overheadText(report.overhead, host.vnni)}`);
    }
    if (options.layers) {
      const { threads, batch, quick } = options;
      report.layers = await runLayers(pairs, { threads, batch, seconds: quick ? 1 : 6, processors });
      for (const each of report.layers) show(`\n${layersText(each)}`);
    }
    if (options.calibration) {
      report.calibration = await runCalibration(pairs[0]!, {
        folder,
        samples: options.quick ? 10 : 50,
        memorySamples: options.quick ? [5, 20] : [20, 200],
        trials: options.quick ? 1 : 3,
        processors: processors(1),
      });
      show(`\nCost of calibrating, one thread\n\n${calibrationText(report.calibration)}`);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  if (options.json === true) printJson(IO, report);
  else if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
}

async function measureSpeed(
  pairs: readonly MeasuredPair[],
  { threads: counts, streams, batch, trials, seconds }: BenchmarkOptions,
  peer: boolean,
  processors: Processors,
): Promise<Measured[]> {
  const engines = peer ? (['calibr8', 'onnxruntime'] as const) : (['calibr8'] as const);
  const configurations: Configuration[] = [];
  for (const threads of counts)
    for (const { name: network, peerInt8, ...models } of pairs)
      for (const precision of ['fp32', 'int8'] as const)
        for (const engine of engines)
          configurations.push({
            network,
            precision,
            model: (engine === 'onnxruntime' && precision === 'int8' && peerInt8) || models[precision],
            engine,
            batch,
            streams,
            threads,
          });
  return stage(`Measuring ${plural(configurations.length, 'configuration')}`, 'trials', (onProgress) =>
    runTrials(configurations, {
      trials,
      seconds,
      processors: ({ threads }) => processors(threads * streams),
      onProgress,
    }),
  );
}

/** How the measurement is made, for the head. */
function conditions(options: BenchmarkOptions, host: Host, pinned: boolean): string {
  const { threads, streams, batch, trials, seconds } = options;
  return [
    `threads ${threads.join(', ')} of ${plural(host.available, 'processor')}`,
    plural(streams, 'stream'),
    `batch ${batch}`,
    `${plural(trials, 'trial')} of ${seconds} s`,
    pinned ? 'pinned' : 'not pinned',
  ].join(' | ');
}

if (require.main === module) void runCommand(benchmarkCommand(benchmark));
