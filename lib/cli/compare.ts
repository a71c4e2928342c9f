import { Command } from 'commander';
import { basename, relative, resolve } from 'node:path';
import { openDataset, spread, type Sample } from '../evaluation/dataset';
import { ImageInput } from '../evaluation/image-input';
import { imageChunks } from '../evaluation/images';
import { formatPreprocessing, type Preprocessing } from '../evaluation/preprocessing';
import type { InputMetadata } from '../evaluation/runnable';
import type { ComparisonInput } from '../report/input';
import { comparisonJson, comparisonText } from './comparison-text';
import { checkReadable, checkWritable } from './files';
import { describeHost, hostReport } from './host';
import { note, print, printJson, UsageError, type Context } from './io';
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
import { recordedPreprocessing } from './receipt';

interface CompareCommandOptions extends ImageOptions, Pick<ThreadOptions, 'threads'>, OutputOptions {
  data?: string;
  samples: number;
  labels?: string | false;
  labelOffset: number;
  logits?: string;
  html?: string;
  verbose?: boolean;
}

/** Images decoded at a time. */
const CHUNK = 16;

const EXAMPLES = `
Examples:
  $ calibr8 compare resnet50.onnx resnet50.int8.onnx --data images
  $ calibr8 compare net.onnx net.int8.onnx --data images --samples 200 \\
      --labels val_list.txt --html report.html
  $ calibr8 compare net.onnx net.int8.onnx --data images --json \\
      | jq '.tensors | sort_by(.ownSqnrDb) | .[0].layer'

SQNR is FP32's signal over INT8's error in dB: 6 dB more is half the error.
"own" is the error that a layer adds by itself, where it gets FP32's values.
Use other images than for calibration. 50 tell where the error comes from; how
often both choose alike needs more: after 50 it is known to about 7 points.
JSON: percents as 0-100; null stands for an SQNR that is infinite or unknown.`;

/** `calibr8 compare`: where INT8 loses what FP32 knew, as text, JSON and an HTML report. */
export function compareCommand(context: Context): Command {
  const command = new Command('compare')
    .summary('show where an INT8 network loses precision, layer by layer')
    .description(
      'Runs an FP32 network and the INT8 one made from it on the same images and shows, worst first, how far each tensor is off, what each layer adds to that, and why.',
    )
    .argument('<fp32>', 'FP32 ONNX model')
    .argument('<int8>', 'INT8 (QDQ) ONNX model made from it')
    .option('--data <DIR>', 'folder of the images')
    .option('--samples <N>', 'compare on N images spread evenly over the set', integer(1), 50)
    .option('--labels <LIST>', 'list with lines "file label"')
    .option('--no-labels', 'use no labels: every image below DIR')
    .option('--label-offset <K>', 'added to every label', integer(Number.MIN_SAFE_INTEGER), 0)
    .option('--logits <NAME>', 'output that the labels are for, where there are several outputs')
    .option('--html <FILE>', 'write a report with plots, one file that needs no network')
    .option('--verbose', 'list all tensors');
  addOutputOptions(
    addThreadsOption(addImageOptions(command, 'as the INT8 model was calibrated, else imagenet')),
  );
  return command
    .addHelpText('after', EXAMPLES)
    .action((fp32: string, int8: string, options: CompareCommandOptions) =>
      run(context, fp32, int8, options),
    );
}

async function run(
  context: Context,
  fp32: string,
  int8: string,
  options: CompareCommandOptions,
): Promise<void> {
  const { io, services } = context;
  const { data, labels, labelOffset, logits, html } = options;
  if (data === undefined && !labels)
    throw new UsageError('--data DIR or --labels LIST is needed: the images to compare on.');
  if (options.preprocess !== undefined) preprocessingFrom(options, '');
  await checkReadable([fp32, int8]);
  if (html !== undefined) for (const model of [fp32, int8]) await checkWritable(html, model, '--html');
  const samples = spread(await openDataset({ data, labels, labelOffset }), options.samples);
  const recorded = await recordedPreprocessing(services, int8);
  const preprocessing = preprocessingFrom(options, recorded ?? 'imagenet');
  const threads = resolveThreads(options);
  const host = options.json ? hostReport(await services.addonInfo()) : await describeHost(context, threads);
  note(io, `${samples.length} images, preprocessing ${formatPreprocessing(preprocessing)}`);

  const comparison = await withProgress(io, 'Comparing', 'images', (update) =>
    services.compareNetworks({
      fp32,
      int8,
      threads: threads.threadsPerStream,
      inputs: (inputs) => imageInputs(samples, preprocessing, inputs, data),
      ...(logits !== undefined && { logits }),
      onProgress: (done) => update(done, samples.length),
      signal: io.signal,
    }),
  );
  if (html !== undefined)
    await services.writeReport(html, comparison, reportContext(fp32, int8, preprocessing, data ?? labels));
  if (options.json) {
    const facts = { preprocessing: formatPreprocessing(preprocessing), ...host };
    printJson(io, { fp32, int8, ...comparisonJson(comparison), html: html ?? null, ...facts });
  } else print(io, comparisonText(comparison, { verbose: options.verbose === true, html }));
}

/** The images as the networks take them, a batch at a time. */
async function* imageInputs(
  samples: readonly Sample[],
  preprocessing: Preprocessing,
  inputs: readonly InputMetadata[],
  folder: string | undefined,
): AsyncGenerator<ComparisonInput> {
  const input = new ImageInput(inputs, preprocessing);
  const size = input.batch * Math.ceil(CHUNK / input.batch);
  const nameOf = ({ file }: Sample): string =>
    folder === undefined ? basename(file) : relative(resolve(folder), resolve(file));
  for await (const chunk of imageChunks(samples, preprocessing, size)) {
    for (let start = 0; start < chunk.images.length; start += input.batch) {
      const part = chunk.samples.slice(start, start + input.batch);
      yield {
        feeds: input.feed(chunk.images.slice(start, start + input.batch)),
        names: part.map(nameOf),
        labels: part.map(({ label }) => label),
      };
    }
  }
}

function reportContext(
  fp32: string,
  int8: string,
  preprocessing: Preprocessing,
  source: string | false | undefined,
): { fp32: string; int8: string; inputs: string } {
  const from = typeof source === 'string' ? `"${basename(resolve(source))}", ` : '';
  return {
    fp32: basename(fp32),
    int8: basename(int8),
    inputs: `${from}preprocessing ${formatPreprocessing(preprocessing)}`,
  };
}
