import { Command } from 'commander';
import { openDataset, spread, type Sample } from '../evaluation/dataset';
import { evaluate, type EvaluationResult } from '../evaluation/evaluate';
import { formatPreprocessing } from '../evaluation/preprocessing';
import { checkReadable } from './files';
import { facts, fixed, percent, table } from './format';
import { describeHost, hostReport } from './host';
import { note, print, printJson, UsageError, type Context } from './io';
import {
  addImageOptions,
  addOutputOptions,
  addThreadOptions,
  integer,
  preprocessingFrom,
  resolveThreads,
  type ImageOptions,
  type OutputOptions,
  type ThreadOptions,
} from './options';
import { withProgress } from './progress';
import { recordedPreprocessing } from './receipt';
import type { CliSession } from './services';

interface EvaluateCommandOptions extends ImageOptions, ThreadOptions, OutputOptions {
  data?: string;
  labels?: string | false;
  labelOffset: number;
  against?: string;
  samples?: number;
  batch?: number;
  logits?: string;
}

const EXAMPLES = `
Examples:
  $ calibr8 evaluate resnet50.int8.onnx --data images --labels val_list.txt \\
      --against resnet50.onnx
  $ calibr8 evaluate net.onnx --data validation        (a folder a class)
  $ calibr8 evaluate net.int8.onnx --data photos --against net.onnx  (no labels)

LIST has lines "file label", the files relative to DIR, else to the list's
folder. Without LIST, folders in DIR are classes, numbered in the order of their
names; --no-labels ignores them. JSON: top1, top5 and agreement in percent;
sqnrDb is null where the outputs are equal.`;

/** `calibr8 evaluate`: accuracy and speed on a data set, alone or compared with another network. */
export function evaluateCommand(context: Context): Command {
  const command = new Command('evaluate')
    .summary('measure accuracy on labelled images, or agreement with another network')
    .description(
      'Measures top-1 and top-5 accuracy and images a second on a set of images; with --against also how far the answers are from those of another network.',
    )
    .argument('<model>', 'ONNX model, FP32 or INT8')
    .option('--data <DIR>', 'folder of the images')
    .option('--labels <LIST>', 'list with lines "file label"')
    .option('--no-labels', 'use no labels: every image below DIR, compared with --against only')
    .option('--label-offset <K>', 'added to every label', integer(Number.MIN_SAFE_INTEGER), 0)
    .option('--against <FP32.onnx>', 'network to compare with on the same images')
    .option('--samples <N>', 'evaluate on N images spread evenly over the set (default: all)', integer(1))
    .option('--batch <B>', 'images a run (default: 1)', integer(1))
    .option('--logits <NAME>', 'output with the scores of the classes, where there are several outputs');
  addOutputOptions(addThreadOptions(addImageOptions(command, 'as the model was calibrated, else imagenet')));
  return command
    .addHelpText('after', EXAMPLES)
    .action((model: string, options: EvaluateCommandOptions) => run(context, model, options));
}

async function run(context: Context, model: string, options: EvaluateCommandOptions): Promise<void> {
  const { io, services } = context;
  if (options.data === undefined && !options.labels)
    throw new UsageError('--data DIR or --labels LIST is needed: the images to evaluate on.');
  if (options.preprocess !== undefined) preprocessingFrom(options, '');
  await checkReadable(options.against === undefined ? [model] : [model, options.against]);
  const samples = await chooseSamples(options);
  const recorded = await recordedPreprocessing(services, model);
  const preprocessing = preprocessingFrom(options, recorded ?? 'imagenet');
  const threads = resolveThreads(options);
  const { streams, threadsPerStream } = threads;
  const host = options.json ? hostReport(await services.addonInfo()) : await describeHost(context, threads);
  note(io, `${samples.length} images, preprocessing ${formatPreprocessing(preprocessing)}`);

  const sessions: CliSession[] = [];
  try {
    for (const path of [model, options.against])
      if (path !== undefined)
        sessions.push(await services.createSession(path, { streams, threadsPerStream }));
    const [session, reference] = sessions;
    const result = await withProgress(io, 'Evaluating', 'images', (onProgress) =>
      evaluate({
        session: session!,
        reference,
        samples,
        preprocessing,
        batch: options.batch,
        streams,
        output: options.logits,
        onProgress,
        signal: io.signal,
      }),
    );
    if (options.json) {
      const { reference: against, ...rest } = result;
      printJson(io, {
        model,
        precision: session!.precision,
        ...rest,
        ...(against && {
          reference: { model: options.against, precision: reference!.precision, ...against },
        }),
        preprocessing: formatPreprocessing(preprocessing),
        streams,
        threadsPerStream,
        ...host,
      });
    } else print(io, resultText(result, [model, options.against ?? ''], sessions));
  } finally {
    await Promise.all(sessions.map((session) => session.release()));
  }
}

async function chooseSamples(options: EvaluateCommandOptions): Promise<Sample[]> {
  const { data, labels, labelOffset } = options;
  const all = await openDataset({ data, labels, labelOffset });
  const samples = options.samples === undefined ? all : spread(all, options.samples);
  if (samples.every(({ label }) => label === undefined) && options.against === undefined)
    throw new UsageError(
      `"${data}" has no labels, so there is nothing to measure: give --labels LIST, a folder a class, or --against FP32.onnx.`,
    );
  return samples;
}

function resultText(
  result: EvaluationResult,
  models: readonly string[],
  sessions: readonly CliSession[],
): string {
  const { reference, top1, agreement, sqnrDb } = result;
  const rows = [result, ...(reference ? [reference] : [])].map((network, index) => [
    models[index]!,
    sessions[index]!.precision,
    percent(network.top1),
    percent(network.top5),
    fixed(network.imagesPerSecond, 1),
  ]);
  const lines: [string, string][] = [['images', String(result.samples)]];
  lines.push(['images/s with decoding', fixed(result.endToEndImagesPerSecond, 1)]);
  if (reference) {
    if (top1 !== undefined && reference.top1 !== undefined)
      lines.push(['top-1 drop', `${fixed(reference.top1 - top1, 2)} points`]);
    lines.push(['speed ratio', fixed(result.imagesPerSecond / reference.imagesPerSecond, 2)]);
    lines.push(['same first choice', percent(agreement)]);
    lines.push(['SQNR of the logits', `${fixed(sqnrDb, 1)} dB`]);
  }
  return `${table(['model', 'precision', 'top-1', 'top-5', 'images/s'], rows, { left: [0, 1] })}\n\n${facts(lines)}`;
}
