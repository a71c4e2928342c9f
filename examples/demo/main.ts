import { mkdir } from 'node:fs/promises';
import { Command } from 'commander';
import { note, print } from '../../lib/cli/io';
import { integer, positiveNumber } from '../../lib/cli/options';
import { InferenceSession } from '../../lib/runtime/session';
import { allowedProcessors, chooseProcessors } from '../../lib/runtime/processors';
import { pinProcess } from '../shared/affinity';
import { hostLine, readHost } from '../shared/host';
import { runCommand } from '../shared/run-command';
import { IO, stage } from '../shared/stages';
import type { Comparison } from '../shared/task';
import { PUBLISHED_SOURCE } from './published';
import { measurePair } from './speed';
import { chooseSubjects, type DemoOptions, type Subject } from './subjects';
import { accuracyTable, speedTable, type Result } from './tables';

const EXAMPLES = `
Examples:
  $ npm run demo
  $ npm run demo -- --resnet50 resnet50.onnx --data imagenet/val \\
      --labels imagenet/val_list.txt --calibration photos

Without models of your own, accuracy is that of two small networks trained on
rendered shapes, speed that of networks of the published shapes whose weights
are seeded noise.`;

/** The demo: calibrates, evaluates and measures four networks on one core. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('Calibrates four networks to INT8, then measures accuracy and speed on one core.')
    .option('--resnet50 <MODEL>', 'a trained ResNet-50 (FP32 ONNX) in place of the one made here')
    .option('--mobilenet <MODEL>', 'a trained MobileNet-V1 in place of the one made here')
    .option('--resnet50-preprocess <NAME|JSON>', 'as in calibr8 calibrate', 'imagenet')
    .option('--mobilenet-preprocess <NAME|JSON>', 'as in calibr8 calibrate', 'imagenet')
    .option('--data <DIR>', 'labeled images for them')
    .option('--labels <LIST>', 'list with lines "file label" (default: val_list.txt in DIR)')
    .option(
      '--calibration <DIR>',
      'calibration images (default: some of DIR, then left out of the evaluation)',
    )
    .option('--samples <N>', 'calibration images', integer(1), 96)
    .option('--images <N>', 'validation images of the shapes task', integer(1, 2400), 2400)
    .option('--seconds <N>', 'time to measure each network', positiveNumber, 4)
    .option('--output <DIR>', 'where the networks are written', 'output/demo')
    .addHelpText('after', EXAMPLES)
    .action(demo);
}

async function demo(options: DemoOptions): Promise<void> {
  const start = performance.now();
  const core = chooseProcessors(1, allowedProcessors());
  // Before the addon loads, which looks at the processors that it may use.
  const pinned = core !== undefined && pinProcess(core);
  const host = readHost();
  note(IO, hostLine(host));
  await mkdir(options.output, { recursive: true });
  const subjects = await chooseSubjects(options);
  const results: Result[] = [];
  for (const subject of subjects) results.push(await measure(subject, options));

  const where = pinned ? `one core (processor ${core.join()})` : 'one thread (taskset is missing)';
  const tasks = new Map(subjects.flatMap(({ task }) => (task ? [[task.images, task.task.description]] : [])));
  print(
    IO,
    [
      '',
      hostLine(host),
      '',
      `Top-1 accuracy, calibrated with ${options.samples} images, evaluated on others`,
      '',
      accuracyTable(results),
      '',
      ...[...tasks].map(([name, description]) => `${name}: ${description}`),
      'agree: FP32 and INT8 give the same first answer',
      '',
      `Images per second on ${where}, one image a run`,
      '',
      speedTable(results),
      '',
      PUBLISHED_SOURCE,
      '',
      `The INT8 networks are in ${options.output}. ${((performance.now() - start) / 1000).toFixed(0)} seconds.`,
    ].join('\n'),
  );
}

async function measure(subject: Subject, { seconds }: DemoOptions): Promise<Result> {
  const { name, algo, task } = subject;
  const pair = await stage(`${name}: calibrating (${algo})`, 'images', (progress) =>
    subject.prepare(progress),
  );
  let accuracy: Comparison | undefined;
  if (task) {
    const sessions = [pair.fp32, pair.int8].map((path) =>
      InferenceSession.create(path, { threadsPerStream: 1 }),
    );
    const [fp32, int8] = await Promise.all(sessions);
    accuracy = await stage(`${name}: evaluating FP32 and INT8`, 'images', (progress) =>
      task.task.compare(fp32!, int8!, progress),
    );
    await Promise.all([fp32!.release(), int8!.release()]);
  }
  const speed = await stage(`${name}: measuring FP32 and INT8`, '', (progress) =>
    measurePair(pair, 2 * seconds, progress),
  );
  return { name, algo, images: task?.images, accuracy, speed };
}

if (require.main === module) void runCommand(demoCommand());
