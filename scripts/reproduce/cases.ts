import { join } from 'node:path';
import { UsageError } from '../../lib/cli/io';
import { parsePreprocessing } from '../../lib/evaluation/preprocessing';
import { ImagesTask } from '../../examples/shared/images-task';
import { labelOffsetOf } from '../../examples/shared/label-offset';
import { SHAPES_NETWORKS, ShapesTask } from '../../examples/shared/shapes-task';
import type { Task } from '../../examples/shared/task';
import type { ModelOptions, ReproduceOptions } from './options';

/** One network of the suite. */
export interface Case {
  name: string;
  model: string;
  algo: 'max' | 'KL';
  task: Task;
}

/** The networks and images that the options say. */
export async function chooseCases(options: ReproduceOptions): Promise<Case[]> {
  if (options.dataset === 'full') return fullCases(withSharedData(options));
  const task = new ShapesTask(options.images);
  return SHAPES_NETWORKS.map(({ name, path, algo }) => ({ name, model: path, algo, task }));
}

/** The folder of test data that CALIBR8_DATA names stands in for what was not given. */
export function withSharedData(
  options: ReproduceOptions,
  data = process.env['CALIBR8_DATA'],
): ReproduceOptions {
  if (data === undefined || data === '') return options;
  const models = {
    resnet50Model: join(data, 'models', 'resnet50.onnx'),
    mobilenetModel: join(data, 'models', 'mobilenet_v1_1.0_224.onnx'),
    mobilenetPreprocess: 'symmetric',
  };
  const images = {
    imagenetDir: join(data, 'imagenet-val'),
    calibrationDir: join(data, 'imagenet-calib'),
  };
  // Its models and images go together; of either, the user's own are taken alone.
  const ownModels = options.resnet50Model !== undefined || options.mobilenetModel !== undefined;
  const ownImages = options.imagenetDir !== undefined || options.calibrationDir !== undefined;
  return { ...(ownModels ? {} : models), ...(ownImages ? {} : images), ...options };
}

async function fullCases(options: ReproduceOptions): Promise<Case[]> {
  const { imagenetDir, labels, calibrationDir, samples } = options;
  if (imagenetDir === undefined)
    throw new UsageError(
      'DATASET=full needs IMAGENET_DIR (or --imagenet-dir): the validation images and val_list.txt.',
    );
  const cases: Case[] = [];
  for (const [name, { model, preprocess, labelOffset, algo }] of modelsOf(options)) {
    if (model === undefined) continue;
    const task = await ImagesTask.open({
      data: imagenetDir,
      labels,
      calibration: calibrationDir,
      samples,
      images: options.images,
      preprocessing: parsePreprocessing(preprocess ?? 'imagenet'),
      labelOffset: labelOffset ?? (await labelOffsetOf(model)),
    });
    cases.push({ name, model, algo: algo!, task });
  }
  if (cases.length === 0)
    throw new UsageError('DATASET=full needs RESNET50_MODEL, MOBILENET_MODEL or both: FP32 ONNX networks.');
  return cases;
}

function modelsOf(options: ReproduceOptions): [string, ModelOptions][] {
  const entry = (key: 'resnet50' | 'mobilenet'): ModelOptions =>
    Object.fromEntries(
      (['Model', 'Preprocess', 'LabelOffset', 'Algo'] as const).map((field) => [
        field.charAt(0).toLowerCase() + field.slice(1),
        options[`${key}${field}`],
      ]),
    );
  return [
    ['ResNet-50', entry('resnet50')],
    ['MobileNet-V1', entry('mobilenet')],
  ];
}
