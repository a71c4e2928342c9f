import { Command, Option } from 'commander';
import type { CalibratorOptions } from '../calibration/options';
import { readTable } from '../calibration/table';
import { formatPreprocessing, type Preprocessing } from '../evaluation/preprocessing';
import {
  addCalibrationOptions,
  ALGORITHMS,
  calibrationOptions,
  refinementFlags,
  type CalibrationCliOptions,
} from './calibration-options';
import { summaryText, tableText } from './calibration-summary';
import { checkReadable, checkWritable, defaultOutput, fileSize } from './files';
import { describeHost } from './host';
import { print, printJson, UsageError, type CliIo, type Context } from './io';
import {
  addImageOptions,
  addOutputOptions,
  addThreadsOption,
  integer,
  preprocessingFrom,
  resolveThreads,
  type ImageOptions,
  type OutputOptions,
  type ThreadOptions,
} from './options';
import { withProgress } from './progress';
import { chooseSamples, sampleImages } from './sampling';
import type { CliCalibrator } from './services';
import { parseShard, type Shard } from './shard';

interface CalibrateOptions
  extends CalibrationCliOptions, ImageOptions, Pick<ThreadOptions, 'threads'>, OutputOptions {
  data?: string;
  samples: number;
  table?: string;
  shard?: Shard;
  saveTable?: string;
  output?: string;
  verbose?: boolean;
}

const EXAMPLES = `
Examples:
  $ calibr8 calibrate resnet50.onnx --data images --samples 50 \\
      -o resnet50.int8.onnx
  $ calibr8 calibrate mobilenet.onnx --data images --algo KL \\
      --preprocess symmetric
  $ calibr8 calibrate net.onnx --data images --preprocess \\
      '{"crop":32,"scale":0.00392156862745098,"mean":[0,0,0],"std":[1,1,1]}'
  $ calibr8 calibrate net.onnx --data images --exclude op:Gemm '/layer4/**'
  $ calibr8 calibrate net.onnx --data images --algo auto --override \\
      '{"match":"/layer4/**","observer":"max"}' '{"match":"relu6","range":6}'
  $ calibr8 calibrate net.onnx --data images --override \\
      '{"match":"op:*","bits":{"weights":7}}'

With the best ranges and corrected weights and biases, as fast as without:
  $ calibr8 calibrate net.onnx --data images --samples 250 --algo auto \\
      --bias-correction --equalization

In parts, anywhere, and together again, exactly as in one run:
  $ calibr8 calibrate net.onnx --data images --shard 1/2 --save-table 1.json
  $ calibr8 calibrate net.onnx --data images --shard 2/2 --save-table 2.json
  $ calibr8 merge 1.json 2.json -o table.json
  $ calibr8 calibrate net.onnx --table table.json -o net.int8.onnx

${ALGORITHMS}

The samples are spread evenly over the sorted list of all images below DIR.
Color profiles and EXIF orientation are ignored.`;

/** `calibr8 calibrate`: measures the activations on sample images, or reads what was measured, and saves the INT8 network. */
export function calibrateCommand(context: Context): Command {
  const command = new Command('calibrate')
    .summary('measure a network on sample images and save it as INT8')
    .description(
      'Measures the activations of an FP32 ONNX network on sample images and saves it as INT8 (QDQ) ONNX.',
    )
    .argument('<model>', 'FP32 ONNX model')
    .option('--data <DIR>', 'folder of sample images, searched with its subfolders')
    .option('--samples <N>', 'number of images to measure on', integer(1), 50)
    .addOption(
      new Option(
        '--table <TABLE>',
        'take what was measured from a calibration table, without any data',
      ).conflicts(['data', 'samples', 'shard', 'preprocess', 'resize', 'crop']),
    )
    .option('--save-table <TABLE>', 'write a calibration table; the INT8 network too only where -o is given')
    .addOption(
      new Option('--shard <I/N>', 'measure on the I-th of N parts of the samples only').argParser(parseShard),
    )
    .option('-o, --output <OUT>', 'file to write (default: MODEL with .int8 before its extension)')
    .option('--verbose', 'list all tensors');
  addCalibrationOptions(command);
  addOutputOptions(addThreadsOption(addImageOptions(command, 'imagenet')));
  return command
    .addHelpText('after', EXAMPLES)
    .action((model: string, options: CalibrateOptions) => calibrate(context, model, options));
}

/** What the command is to do, checked as far as can be before anything is measured. */
async function calibrate(context: Context, model: string, options: CalibrateOptions): Promise<void> {
  const { io, services } = context;
  requireConsistent(options);
  const preprocessing = options.data === undefined ? undefined : preprocessingFrom(options, 'imagenet');
  const calibration = await calibrationOptions(options);
  const output = options.output ?? (options.saveTable === undefined ? defaultOutput(model) : undefined);
  await checkReadable([model]);
  if (output !== undefined) await checkWritable(output, model);
  if (options.saveTable !== undefined) await checkWritable(options.saveTable, model, '--save-table');
  const measurement = await prepare(io, options, preprocessing);
  const threads = resolveThreads(options);
  if (!options.json) await describeHost(context, threads);

  const start = performance.now();
  const calibrator = await services.createCalibrator({
    model,
    ...(output !== undefined && { output }),
    ...calibration,
    ...measurement.options,
    threads: threads.threadsPerStream,
  });
  try {
    const images = await measurement.run(calibrator);
    const table = options.saveTable === undefined ? undefined : await calibrator.saveTable(options.saveTable);
    const summary =
      output === undefined
        ? undefined
        : await withProgress(io, 'Refining', 'layers', (onProgress) =>
            calibrator.saveInt8Model(output, { onProgress, signal: io.signal }),
          );
    const details = {
      model,
      modelBytesBefore: await fileSize(model),
      images,
      preprocessing: measurement.preprocessing,
      threads: threads.threadsPerStream,
      ...(options.saveTable !== undefined && { table: options.saveTable }),
      totalSeconds: (performance.now() - start) / 1000,
    };
    if (options.json) printJson(io, { samples: table?.samples.count, ...summary, ...details });
    else {
      if (summary) print(io, summaryText(summary, details, options.verbose === true));
      if (table) print(io, tableText(table, options.saveTable!));
    }
  } finally {
    await calibrator.release();
  }
}

function requireConsistent(options: CalibrateOptions): void {
  const { data, table, shard, saveTable, output } = options;
  if (data === undefined && table === undefined)
    throw new UsageError(
      'Expected --data DIR, a folder of sample images, or --table TABLE, what was measured before, but received neither.',
    );
  if (shard && saveTable === undefined)
    throw new UsageError(
      '--shard: Expected --save-table TABLE beside it: the tables of all shards are merged with calibr8 merge.',
    );
  const [refining] = refinementFlags(options);
  if (refining && data === undefined)
    throw new UsageError(
      `${refining}: Expected --data DIR, images to refine on, but received --table alone, which holds none.`,
    );
  if (refining && saveTable !== undefined && output === undefined)
    throw new UsageError(
      `${refining}: Expected -o OUT beside it: it refines the INT8 network, not the table that --save-table writes.`,
    );
}

/** Where the figures come from. */
interface Measurement {
  readonly options: Partial<CalibratorOptions>;
  readonly preprocessing: string;
  /** Measures; returns the number of images that the figures stand for. */
  run(calibrator: CliCalibrator): Promise<number>;
}

async function prepare(
  io: CliIo,
  options: CalibrateOptions,
  preprocessing: Preprocessing | undefined,
): Promise<Measurement> {
  if (options.data === undefined || !preprocessing) {
    const table = await readTable(options.table!);
    return {
      options: { table },
      preprocessing: table.settings.preprocessing ?? 'not recorded',
      run: () => Promise.resolve(table.samples.count),
    };
  }
  const samples = await chooseSamples(io, options.data, options.samples);
  const text = formatPreprocessing(preprocessing);
  return {
    options: { preprocessing: text },
    preprocessing: text,
    run: (calibrator) => sampleImages(io, calibrator, samples, preprocessing, options.shard),
  };
}
