import { InvalidArgumentError, Option, type Command } from 'commander';
import { algorithmName, type Algorithm } from '../calibration/algorithm';
import type { CalibratorOptions } from '../calibration/options';
import { OBSERVERS } from '../calibration/observers/registry';
import { readOverrides } from './overrides';

/** What the commands that calibrate have in common: how ranges are found, and which layers stay in FP32. */
export interface CalibrationCliOptions {
  algo?: Algorithm;
  firstConv?: 'int8' | 'fp32';
  fullyConnected?: 'int8' | 'fp32';
  residuals?: 'rounded' | 'exact';
  averages?: 'shared' | 'own';
  activations?: 'symmetric' | 'asymmetric';
  weightScales?: 'max' | 'mse';
  exclude?: string[];
  override?: string[];
  biasCorrection?: boolean;
  equalization?: boolean;
  scaleSearch?: boolean;
  rounding?: 'nearest' | 'learned';
}

/** For the help: the algorithms with what they do. */
export const ALGORITHMS = `Algorithms (--algo):
${OBSERVERS.all.map(({ name, description }) => `  ${name.padEnd(12)}${description}`).join('\n')}`;

export function addCalibrationOptions(command: Command): Command {
  return command
    .option(
      '--algo <NAME>',
      `how clipping thresholds are found: ${OBSERVERS.names.join(', ')} (default: max)`,
      algorithm,
    )
    .addOption(precision('--first-conv <TYPE>', 'type of the first convolution (default: int8)'))
    .addOption(precision('--fully-connected <TYPE>', 'type of fully connected layers (default: int8)'))
    .addOption(
      new Option(
        '--residuals <HOW>',
        'round a convolution before a residual is added, or only after (default: exact; onnxruntime runs rounded ones faster)',
      ).choices(['rounded', 'exact']),
    )
    .addOption(
      new Option(
        '--averages <HOW>',
        "scale of an average pooling's result: its input's, or its own (default: shared; own with --algo auto)",
      ).choices(['shared', 'own']),
    )
    .addOption(
      new Option(
        '--activations <HOW>',
        'signed ones int8 around zero, or uint8 with a zero point where it helps (default: symmetric)',
      ).choices(['symmetric', 'asymmetric']),
    )
    .addOption(
      new Option(
        '--weight-scales <HOW>',
        "an output channel's scale: for its greatest weight, or with the least squared error (default: max)",
      ).choices(['max', 'mse']),
    )
    .option('--exclude <PATTERN...>', 'layers that stay in FP32: names, globs or op:TYPE, as in op:Gemm')
    .option(
      '--override <JSON|@FILE...>',
      'an observer, range, number of bits or precision for what "match" names: a layer, tensor, glob or op:TYPE',
    )
    .option('--bias-correction', "correct biases until each layer's mean output is FP32's")
    .option('--equalization', "bring the ranges of layers' channels nearer to each other")
    .option('--scale-search', "search weights' scales by the error of the layer's output")
    .option('--no-scale-search', 'leave them (--algo auto searches with --bias-correction or --equalization)')
    .addOption(
      new Option(
        '--rounding <HOW>',
        'round each weight to the nearest level, or learn them together (default: nearest)',
      ).choices(['nearest', 'learned']),
    );
}

/** Those that the command line says; the library, or a calibration table, has defaults for the others. */
export async function calibrationOptions(
  options: CalibrationCliOptions,
): Promise<Omit<CalibratorOptions, 'model'>> {
  const {
    algo,
    firstConv,
    fullyConnected,
    residuals,
    averages,
    activations,
    weightScales,
    exclude,
    biasCorrection,
    equalization,
    scaleSearch,
    rounding,
  } = options;
  const overrides = options.override && (await readOverrides(options.override));
  return {
    ...(algo && { algo }),
    ...(firstConv && { firstConv }),
    ...(fullyConnected && { fullyConnected }),
    ...(residuals && { residuals }),
    ...(averages && { averages }),
    ...(activations && { activations }),
    ...(weightScales && { weightScales }),
    ...(exclude && { exclude }),
    ...(overrides && { overrides }),
    ...(biasCorrection && { biasCorrection }),
    ...(equalization && { equalization }),
    ...(scaleSearch !== undefined && { scaleSearch }),
    ...(rounding && { rounding }),
  };
}

/** The flags that were given and need images, not a table alone. */
export function refinementFlags({
  biasCorrection,
  equalization,
  scaleSearch,
  rounding,
}: CalibrationCliOptions): string[] {
  return [
    ...(biasCorrection ? ['--bias-correction'] : []),
    ...(equalization ? ['--equalization'] : []),
    ...(scaleSearch ? ['--scale-search'] : []),
    ...(rounding === 'learned' ? ['--rounding'] : []),
  ];
}

function algorithm(name: string): Algorithm {
  try {
    return algorithmName(name, '--algo') as Algorithm;
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function precision(flags: string, description: string): Option {
  return new Option(flags, description).choices(['int8', 'fp32']);
}
