import { Command, InvalidArgumentError, Option } from 'commander';
import { algorithmName, type Algorithm } from '../calibration/algorithm';
import { OBSERVERS } from '../calibration/observers/registry';
import { readImageFolder, spread, type Sample } from '../evaluation/dataset';
import { ImageInput } from '../evaluation/image-input';
import { imageChunks } from '../evaluation/images';
import { formatPreprocessing, type Preprocessing } from '../evaluation/preprocessing';
import { summaryText } from './calibration-summary';
import { checkReadable, checkWritable, defaultOutput, fileSize } from './files';
import { describeHost } from './host';
import { note, print, printJson, type CliIo, type Context } from './io';
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
import { readOverrides } from './overrides';
import { withProgress } from './progress';
import type { CliCalibrator } from './services';

interface CalibrateOptions extends ImageOptions, Pick<ThreadOptions, 'threads'>, OutputOptions {
  data: string;
  samples: number;
  algo: Algorithm;
  output?: string;
  firstConv: 'int8' | 'fp32';
  fullyConnected: 'int8' | 'fp32';
  exclude?: string[];
  override?: string[];
  verbose?: boolean;
}

/** Images decoded at a time. */
const CHUNK = 16;

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

Algorithms (--algo):
${OBSERVERS.all.map(({ name, description }) => `  ${name.padEnd(12)}${description}`).join('\n')}

The samples are spread evenly over the sorted list of all images below DIR.
Color profiles and EXIF orientation are ignored.`;

/** `calibr8 calibrate`: measures the activations on sample images and saves the INT8 network. */
export function calibrateCommand(context: Context): Command {
  const command = new Command('calibrate')
    .summary('measure a network on sample images and save it as INT8')
    .description(
      'Measures the activations of an FP32 ONNX network on sample images and saves it as INT8 (QDQ) ONNX.',
    )
    .argument('<model>', 'FP32 ONNX model')
    .requiredOption('--data <DIR>', 'folder of sample images, searched with its subfolders')
    .option('--samples <N>', 'number of images to measure on', integer(1), 50)
    .option(
      '--algo <NAME>',
      `how clipping thresholds are found: ${OBSERVERS.names.join(', ')}`,
      algorithm,
      'max',
    )
    .option('-o, --output <OUT>', 'file to write (default: MODEL with .int8 before its extension)')
    .addOption(precision('--first-conv <TYPE>', 'type of the first convolution'))
    .addOption(precision('--fully-connected <TYPE>', 'type of fully connected layers'))
    .option('--exclude <PATTERN...>', 'layers that stay in FP32: names, globs or op:TYPE, as in op:Gemm')
    .option(
      '--override <JSON|@FILE...>',
      'an observer, range or precision for what "match" names: a layer, tensor, glob or op:TYPE',
    )
    .option('--verbose', 'list all tensors');
  addOutputOptions(addThreadsOption(addImageOptions(command, 'imagenet')));
  return command
    .addHelpText('after', EXAMPLES)
    .action((model: string, options: CalibrateOptions) => calibrate(context, model, options));
}

async function calibrate(context: Context, model: string, options: CalibrateOptions): Promise<void> {
  const { io, services } = context;
  const preprocessing = preprocessingFrom(options, 'imagenet');
  const overrides = options.override && (await readOverrides(options.override));
  const output = options.output ?? defaultOutput(model);
  await checkReadable([model]);
  await checkWritable(output, model);
  const samples = await chooseSamples(io, options);
  const threads = resolveThreads(options);
  if (!options.json) await describeHost(context, threads);

  const start = performance.now();
  const calibrator = await services.createCalibrator({
    model,
    output,
    algo: options.algo,
    firstConv: options.firstConv,
    fullyConnected: options.fullyConnected,
    ...(options.exclude && { exclude: options.exclude }),
    ...(overrides && { overrides }),
    preprocessing: formatPreprocessing(preprocessing),
    threads: threads.threadsPerStream,
  });
  try {
    await sampleImages(io, calibrator, samples, preprocessing);
    const summary = await calibrator.saveInt8Model();
    const details = {
      model,
      modelBytesBefore: await fileSize(model),
      images: samples.length,
      preprocessing: formatPreprocessing(preprocessing),
      threads: threads.threadsPerStream,
      totalSeconds: (performance.now() - start) / 1000,
    };
    if (options.json) printJson(io, { ...summary, ...details });
    else print(io, summaryText(summary, details, options.verbose === true));
  } finally {
    await calibrator.release();
  }
}

async function chooseSamples(io: CliIo, options: CalibrateOptions): Promise<Sample[]> {
  const all = await readImageFolder(options.data);
  const samples = spread(all, options.samples);
  if (samples.length < options.samples)
    note(
      io,
      `Note: ${options.samples} samples were asked for; "${options.data}" holds ${samples.length}, and all are used.`,
    );
  return samples;
}

async function sampleImages(
  io: CliIo,
  calibrator: CliCalibrator,
  samples: readonly Sample[],
  preprocessing: Preprocessing,
): Promise<void> {
  const input = new ImageInput(calibrator.inputMetadata, preprocessing);
  const size = input.batch * Math.ceil(CHUNK / input.batch);
  await withProgress(io, 'Calibrating', 'images', async (update) => {
    let done = 0;
    for await (const { images } of imageChunks(samples, preprocessing, size)) {
      for (let start = 0; start < images.length; start += input.batch) {
        io.signal.throwIfAborted();
        const batch = images.slice(start, start + input.batch);
        await calibrator.run(input.feed(batch));
        await calibrator.sampleData();
        update((done += batch.length), samples.length);
      }
    }
  });
  io.signal.throwIfAborted();
}

function algorithm(name: string): Algorithm {
  try {
    return algorithmName(name, '--algo') as Algorithm;
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function precision(flags: string, description: string): Option {
  return new Option(flags, description).choices(['int8', 'fp32']).default('int8');
}
