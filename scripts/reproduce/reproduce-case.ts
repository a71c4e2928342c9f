import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fixed, percent } from '../../lib/cli/format';
import { InferenceSession } from '../../lib/runtime/session';
import { calibrate } from '../../examples/shared/calibrate';
import { stage } from '../../examples/shared/stages';
import { hashAnswers } from '../../examples/shared/task';
import type { Case } from './cases';
import type { Checks } from './checks';

export interface CaseOptions {
  folder: string;
  samples: number;
  threads: number;
  /** Greatest drop of top-1 accuracy, as a fraction. */
  tolerance: number;
}

/** Images whose answers are compared bit for bit. */
const ANSWERS = 1000;

/** Calibrates twice, compares files and answers, then measures the accuracy of both precisions. */
export async function reproduceCase(subject: Case, options: CaseOptions, checks: Checks): Promise<void> {
  const { name, algo, task } = subject;
  const files = [await calibrated(subject, options, 1), await calibrated(subject, options, 2)] as const;
  const digests = await Promise.all(files.map(digest));
  checks.check(
    `${name}: two calibrations (${algo}) give byte-identical files`,
    digests[0] === digests[1],
    digests[0] === digests[1] ? `sha256 ${digests[0]}` : `sha256 ${digests[0]}\n      and    ${digests[1]}`,
  );

  const answers = await stage(`${name}: answering twice`, '', async () => [
    await answersOf(files[0], subject, options),
    await answersOf(files[1], subject, options),
  ]);
  checks.check(
    `${name}: two INT8 runs give identical answers, bit for bit`,
    answers[0] === answers[1],
    answers[0] === answers[1] ? `sha256 ${answers[0]}` : `sha256 ${answers[0]}\n      and    ${answers[1]}`,
  );

  const result = await stage(`${name}: evaluating FP32 and INT8`, 'images', async (progress) => {
    const [fp32, int8] = [await open(subject.model, options), await open(files[0], options)];
    try {
      return await task.compare(fp32, int8, progress);
    } finally {
      await Promise.all([fp32.release(), int8.release()]);
    }
  });
  const { fp32, int8, images, agreement, sqnrDb } = result;
  const drop = (fp32.top1 - int8.top1) / 100;
  checks.check(
    `${name}: top-1 drops by less than ${options.tolerance}`,
    drop < options.tolerance,
    `FP32 ${percent(fp32.top1)}, INT8 ${percent(int8.top1)}, drop ${fixed(drop, 4)} on ${images} images\n` +
      `      same answer ${percent(agreement)}, SQNR ${fixed(sqnrDb, 1)} dB\n` +
      `      images/s: FP32 ${fixed(fp32.imagesPerSecond, 1)}, INT8 ${fixed(int8.imagesPerSecond, 1)}, ` +
      `ratio ${fixed(int8.imagesPerSecond / fp32.imagesPerSecond, 2)}`,
  );
}

async function calibrated(
  { name, model, algo, task }: Case,
  { folder, samples, threads }: CaseOptions,
  attempt: number,
): Promise<string> {
  const output = join(folder, `${name.toLowerCase()}.${attempt}.int8.onnx`);
  await stage(`${name}: calibration ${attempt} of 2 (${algo})`, 'images', (onProgress) =>
    calibrate({
      model,
      output,
      algo,
      threads,
      preprocessing: task.preprocessing,
      feeds: (inputs) => task.calibrationFeeds(inputs, samples),
      samples,
      onProgress,
    }),
  );
  return output;
}

async function answersOf(model: string, { task }: Case, options: CaseOptions): Promise<string> {
  const session = await open(model, options);
  try {
    return await hashAnswers(session, task.validationFeeds(session.inputMetadata, ANSWERS));
  } finally {
    await session.release();
  }
}

function open(model: string, { threads }: CaseOptions): Promise<InferenceSession> {
  return InferenceSession.create(model, { streams: 1, threadsPerStream: threads });
}

async function digest(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
