import { Command, Option } from 'commander';
import { integer } from '../../lib/cli/options';

/** What can be set for each model of the full data set. */
export interface ModelOptions {
  model?: string;
  preprocess?: string;
  labelOffset?: number;
  algo?: 'max' | 'KL';
}

export interface ReproduceOptions {
  dataset: 'small' | 'full';
  imagenetDir?: string;
  labels?: string;
  calibrationDir?: string;
  resnet50Model?: string;
  resnet50Preprocess?: string;
  resnet50LabelOffset?: number;
  resnet50Algo: 'max' | 'KL';
  mobilenetModel?: string;
  mobilenetPreprocess?: string;
  mobilenetLabelOffset?: number;
  mobilenetAlgo: 'max' | 'KL';
  samples: number;
  images?: number;
  tolerance: number;
  threads?: number;
  output?: string;
}

const EXAMPLES = `
Examples:
  $ npm run reproduce
  $ OMP_NUM_THREADS=1 taskset -c 0 npm run reproduce
  $ OMP_NUM_THREADS=20 taskset -c 0-19 npm run reproduce
  $ DATASET=full IMAGENET_DIR=/data/imagenet RESNET50_MODEL=resnet50.onnx \\
      MOBILENET_MODEL=mobilenet_v1.onnx npm run reproduce

IMAGENET_DIR holds val_list.txt with lines "file label" and the images, beside
it or in images/; or a folder a class. Images are resized to 256 pixels on the
shorter side, cropped to 224 and normalized as the original tool does.
With CALIBR8_DATA instead, its images and models are taken.

Ends with "N passed, N failed" and exit code 1 where something failed.`;

/** The command line of the suite; each option has its environment variable. */
export function reproduceCommand(action: (options: ReproduceOptions) => Promise<void>): Command {
  const command = new Command('reproduce')
    .description('Repeats the published calibration experiment and checks that it gives the same each time.')
    .addOption(
      new Option('--dataset <SIZE>', 'small: the shapes task; full: images and models of your own')
        .choices(['small', 'full'])
        .default('small')
        .env('DATASET'),
    )
    .addOption(new Option('--imagenet-dir <DIR>', 'validation images').env('IMAGENET_DIR'))
    .addOption(
      new Option('--labels <LIST>', 'list "file label" (default: val_list.txt there)').env('IMAGENET_LABELS'),
    )
    .addOption(
      new Option(
        '--calibration-dir <DIR>',
        'calibration images (default: some of the validation images, then left out of the evaluation)',
      ).env('CALIBRATION_DIR'),
    );
  addModelOptions(command, 'resnet50', 'max');
  addModelOptions(command, 'mobilenet', 'KL');
  return command
    .addOption(
      new Option('--samples <N>', 'calibration images').argParser(integer(1)).default(50).env('SAMPLES'),
    )
    .option('--images <N>', 'evaluate on fewer images (default: all)', integer(1))
    .option('--tolerance <D>', 'greatest drop of top-1 accuracy, as a fraction', Number, 0.01)
    .option(
      '--threads <T>',
      'threads (default: OMP_NUM_THREADS, else the processors this process may use)',
      integer(1, 1024),
    )
    .option('--output <DIR>', 'keep the INT8 networks here')
    .addHelpText('after', EXAMPLES)
    .action(action);
}

function addModelOptions(command: Command, name: 'resnet50' | 'mobilenet', algo: string): void {
  const variable = name.toUpperCase();
  command
    .addOption(new Option(`--${name}-model <FILE>`, 'FP32 ONNX network').env(`${variable}_MODEL`))
    .addOption(
      new Option(`--${name}-preprocess <NAME|JSON>`, 'as in calibr8 calibrate (default: imagenet)').env(
        `${variable}_PREPROCESS`,
      ),
    )
    .addOption(
      new Option(`--${name}-label-offset <K>`, 'added to every label (default: 0; 1 for 1001 classes)')
        .argParser(integer(Number.MIN_SAFE_INTEGER))
        .env(`${variable}_LABEL_OFFSET`),
    )
    .addOption(
      new Option(`--${name}-algo <NAME>`, 'how thresholds are chosen')
        .choices(['max', 'KL'])
        .default(algo)
        .env(`${variable}_ALGO`),
    );
}
