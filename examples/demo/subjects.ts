import { basename, join } from 'node:path';
import { UsageError } from '../../lib/cli/io';
import { parsePreprocessing } from '../../lib/evaluation/preprocessing';
import { calibrate } from '../shared/calibrate';
import { ImagesTask } from '../shared/images-task';
import { labelOffsetOf } from '../shared/label-offset';
import { PUBLISHED_NETWORKS, writePublishedPair, type NetworkPair } from '../shared/published-networks';
import { SHAPES_NETWORKS, ShapesTask } from '../shared/shapes-task';
import type { OnProgress, Task } from '../shared/task';

export interface DemoOptions {
  resnet50?: string;
  mobilenet?: string;
  resnet50Preprocess: string;
  mobilenetPreprocess: string;
  data?: string;
  labels?: string;
  calibration?: string;
  samples: number;
  images: number;
  seconds: number;
  output: string;
}

/** A network of the demo. */
export interface Subject {
  name: string;
  algo: 'max' | 'KL';
  /** Absent where the answers mean nothing. */
  task?: { images: string; task: Task };
  /** Writes the FP32 file where needed, and the INT8 file. */
  prepare(onProgress: OnProgress): Promise<NetworkPair>;
}

/** The four networks: the published ones, real where the user has them, and those trained on the shapes. */
export async function chooseSubjects(options: DemoOptions): Promise<Subject[]> {
  const models = [options.resnet50, options.mobilenet];
  const preprocessings = [options.resnet50Preprocess, options.mobilenetPreprocess];
  const subjects: Subject[] = [];
  for (const [index, network] of PUBLISHED_NETWORKS.entries()) {
    const { name, algo } = network;
    const model = models[index];
    if (model !== undefined) {
      const task = await openImages(model, preprocessings[index]!, options);
      const images = basename(options.data!);
      subjects.push(calibrated({ name, algo, path: model, task: { images, task } }, options));
    } else {
      const prepare = (onProgress: OnProgress): Promise<NetworkPair> =>
        writePublishedPair(network, options.output, onProgress);
      subjects.push({ name, algo, prepare });
    }
  }
  const shapes = new ShapesTask(options.images);
  for (const { name, algo, path } of SHAPES_NETWORKS)
    subjects.push(calibrated({ name, algo, path, task: { images: 'shapes', task: shapes } }, options));
  return subjects;
}

type Calibrated = Required<Omit<Subject, 'prepare'>> & { path: string };

function calibrated({ path, ...subject }: Calibrated, { output, samples }: DemoOptions): Subject {
  const { name, algo, task } = subject;
  return {
    ...subject,
    async prepare(onProgress) {
      const int8 = join(output, `${basename(path, '.onnx')}.int8.onnx`);
      await calibrate({
        model: path,
        output: int8,
        algo,
        preprocessing: task.task.preprocessing,
        threads: 1,
        feeds: (inputs) => task.task.calibrationFeeds(inputs, samples),
        samples,
        onProgress,
      });
      return { name, fp32: path, int8 };
    },
  };
}

async function openImages(model: string, preprocess: string, options: DemoOptions): Promise<ImagesTask> {
  const { data, labels, calibration, samples } = options;
  if (data === undefined)
    throw new UsageError(
      '--data DIR is needed with --resnet50 and --mobilenet: labeled images to evaluate on.',
    );
  const preprocessing = parsePreprocessing(preprocess);
  const labelOffset = await labelOffsetOf(model);
  return ImagesTask.open({ data, labels, calibration, samples, preprocessing, labelOffset });
}
