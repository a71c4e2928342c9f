import { Command } from 'commander';
import { formatPreprocessing, type Preprocessing } from '../evaluation/preprocessing';
import type { InputMetadata } from '../evaluation/runnable';
import type { ValidationSample } from '../mixed-precision/options';
import type { Tolerance } from '../mixed-precision/tolerance';
import {
  addCalibrationOptions,
  ALGORITHMS,
  calibrationOptions,
  type CalibrationCliOptions,
} from './calibration-options';
import { checkReadable, checkWritable, defaultOutput, fileSize } from './files';
import { describeHost } from './host';
import { ImageRuns } from './image-runs';
import { EXIT, print, printJson, UsageError, type Context } from './io';
import {
  addImageOptions,
  addOutputOptions,
  addThreadsOption,
  decimal,
  percentage,
  integer,
  positiveNumber,
  preprocessingFrom,
  resolveThreads,
  type ImageOptions,
  type OutputOptions,
  type ThreadOptions,
} from './options';
import { StageProgress } from './progress';
import { chooseImages, type QuantizeDataOptions } from './quantize-data';
import { quantizeText } from './quantize-text';

interface QuantizeCommandOptions
  extends
    QuantizeDataOptions,
    Tolerance,
    CalibrationCliOptions,
    ImageOptions,
    Pick<ThreadOptions, 'threads'>,
    OutputOptions {
  output?: string;
  validationPreprocess?: string;
  minInt8?: number;
  logits?: string;
  timeLimit: number;
}

const EXAMPLES = `
Examples:
  $ calibr8 quantize net.onnx --data images --min-agreement 98
  $ calibr8 quantize resnet50.onnx --data calibration-images \\
      --validation images --labels val_list.txt --max-drop 0.5
  $ calibr8 quantize net.onnx --data images --algo auto --min-sqnr 25 --json

Everything is INT8 at first. While that is not good enough on the validation
images, the layers that cost most are returned to FP32, the fewest that serve.
Of several limits all must hold. The images of one folder are split: those that
calibrate do not validate. Where the limit cannot be met, or not in time, the
best network found is saved, the text says so, and the exit code is 1.

LIST has lines "file label", the files relative to the validation images'
folder. Without LIST, folders are classes, numbered in the order of their names.

${ALGORITHMS}`;

/** `calibr8 quantize`: INT8 where it is good enough, FP32 where it must be. */
export function quantizeCommand(context: Context): Command {
  const command = new Command('quantize')
    .summary('save a network as INT8, with layers in FP32 where accuracy needs it')
    .description(
      'Calibrates an FP32 ONNX network and returns the fewest layers to FP32 with which it is as accurate as asked for, on images that did not calibrate.',
    )
    .argument('<model>', 'FP32 ONNX model')
    .requiredOption('--data <DIR>', 'folder of sample images, searched with its subfolders')
    .option('--samples <N>', 'number of images to calibrate on', integer(1), 50)
    .option('-o, --output <OUT>', 'file to write (default: MODEL with .int8 before its extension)')
    .option('--max-drop <POINTS>', 'points of top-1 accuracy that may be lost; needs labels', percentage)
    .option('--min-agreement <PERCENT>', 'images that get the same first choice as in FP32', percentage)
    .option('--min-sqnr <DB>', 'signal to quantization noise of the outputs', decimal)
    .option(
      '--min-int8 <PERCENT>',
      'multiply-adds that stay INT8, so that small layers are returned',
      percentage,
    )
    .option('--validation <DIR>', 'folder of the validation images (default: what is left of --data)')
    .option('--validation-samples <N>', 'validate on N images spread evenly over the set', integer(1), 500)
    .option('--validation-preprocess <NAME|JSON>', 'for the validation images (default: as --preprocess)')
    .option('--labels <LIST>', 'list of the validation images with lines "file label"')
    .option('--no-labels', 'use no labels, folders are no classes')
    .option('--label-offset <K>', 'added to every label', integer(Number.MIN_SAFE_INTEGER), 0)
    .option('--logits <NAME>', 'output with the scores of the classes, where there are several outputs')
    .option('--time-limit <MINUTES>', 'end the search with the best network so far', positiveNumber, 10);
  addCalibrationOptions(command);
  addOutputOptions(addThreadsOption(addImageOptions(command, 'imagenet')));
  return command
    .addHelpText('after', EXAMPLES)
    .action((model: string, options: QuantizeCommandOptions) => run(context, command, model, options));
}

async function run(
  context: Context,
  command: Command,
  model: string,
  options: QuantizeCommandOptions,
): Promise<void> {
  const { io, services } = context;
  const { maxDrop, minAgreement, minSqnr } = options;
  if (maxDrop === undefined && minAgreement === undefined && minSqnr === undefined)
    throw new UsageError(
      '--max-drop, --min-agreement or --min-sqnr is needed: what quantizing may cost. Without a limit use calibr8 calibrate.',
    );
  const preprocessing = preprocessingFrom(options, 'imagenet');
  const calibration = await calibrationOptions(options);
  const output = options.output ?? defaultOutput(model);
  await checkReadable([model]);
  await checkWritable(output, model);
  const images = await chooseImages(io, options);
  if (maxDrop !== undefined && images.validation.some(({ label }) => label === undefined))
    throw new UsageError(
      '--max-drop: the validation images have no labels: give --labels LIST or a folder a class, or --min-agreement in its place.',
    );
  const threads = resolveThreads(options);
  if (!options.json) await describeHost(context, threads);

  const start = performance.now();
  const inputs = await inputsOf(context, model);
  const samples = new ImageRuns(inputs, images.calibration, preprocessing);
  const progress = new StageProgress(io, {
    calibrating: {
      label: 'Calibrating',
      unit: 'runs',
      total: Math.ceil(images.calibration.length / samples.batch),
    },
    validating: {
      label: 'Validating',
      unit: 'runs',
      total: Math.ceil(images.validation.length / samples.batch),
    },
    ranking: { label: 'Ranking', unit: 'layers' },
    searching: { label: 'Searching', unit: 'runs' },
    timing: { label: 'Timing', unit: 'trials' },
  });
  const summary = await services
    .quantize({
      model,
      output,
      ...calibration,
      maxDrop,
      minAgreement,
      minSqnr,
      calibration: feedsOf(samples),
      validation: new ImageRuns(inputs, images.validation, validationPreprocessing(options, preprocessing)),
      minInt8: options.minInt8,
      logits: options.logits,
      timeLimit: options.timeLimit * 60,
      preprocessing: formatPreprocessing(preprocessing),
      threads: threads.threadsPerStream,
      signal: io.signal,
      onProgress: (update) => progress.show(update),
    })
    .finally(() => progress.stop());
  const details = {
    model,
    modelBytesBefore: await fileSize(model),
    preprocessing: formatPreprocessing(preprocessing),
    totalSeconds: (performance.now() - start) / 1000,
  };
  if (options.json) printJson(io, { ...summary, ...details, layers: summary.int8Nodes + summary.fp32Nodes });
  else print(io, quantizeText(summary, details));
  if (!summary.met) command.setOptionValue('exitCode', EXIT.failure);
}

function validationPreprocessing(options: QuantizeCommandOptions, fallback: Preprocessing): Preprocessing {
  const { validationPreprocess: preprocess } = options;
  return preprocess === undefined
    ? fallback
    : preprocessingFrom({ preprocess }, '', '--validation-preprocess');
}

async function* feedsOf(runs: ImageRuns): AsyncGenerator<ValidationSample['feeds']> {
  for await (const { feeds } of runs) yield feeds;
}

async function inputsOf({ services }: Context, model: string): Promise<InputMetadata[]> {
  const { inputs } = await services.readGraph(model);
  return inputs.map(({ name, dtype, shape }) => ({
    name,
    type: dtype ?? 'float32',
    shape: (shape ?? []).map((dim) => dim ?? ''),
  }));
}
