import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { dirname, join, parse, resolve } from 'node:path';
import { Calibr8Error } from '../errors';
import { UsageError } from './io';

/**
 * Checks that models can be read before long work begins.
 * @throws FILE_ACCESS naming the first that cannot
 */
export async function checkReadable(models: readonly string[]): Promise<void> {
  for (const model of models) {
    const stats = await stat(model).catch(() => undefined);
    const usable =
      stats?.isFile() &&
      (await access(model, constants.R_OK).then(
        () => true,
        () => false,
      ));
    if (usable) continue;
    const reason = !stats ? 'there is none' : stats.isFile() ? 'it may not be read' : 'it is not a file';
    throw new Calibr8Error(
      'FILE_ACCESS',
      `Expected an ONNX model at "${resolve(model)}" but ${reason}. Check the path.`,
    );
  }
}

/** Where the INT8 network goes unless told: beside the model, `resnet50.int8.onnx` for `resnet50.onnx`. */
export function defaultOutput(model: string): string {
  const { dir, name, ext } = parse(model);
  return join(dir, `${name}.int8${ext}`);
}

/**
 * Checks before long work that the result can be written and does not replace a model.
 * @param option what named the output, for errors
 * @throws UsageError, FILE_ACCESS
 */
export async function checkWritable(output: string, model?: string, option = '--output'): Promise<void> {
  if (output === '') throw new UsageError(`${option}: Expected the file to write but received "".`);
  const folder = dirname(resolve(output));
  const fail = (reason: string): never => {
    throw new Calibr8Error('FILE_ACCESS', `Expected to write "${resolve(output)}" but ${reason}.`);
  };
  await access(folder, constants.W_OK).catch((error: NodeJS.ErrnoException) =>
    fail(
      error.code === 'ENOENT' ? `the folder "${folder}" does not exist` : `"${folder}" may not be written`,
    ),
  );
  const existing = await stat(output).catch(() => undefined);
  if (existing?.isDirectory()) fail('it is a folder');
  if (existing && !existing.isFile()) fail('a special file, such as a device, stands there');
  const real = await realpath(output).catch(() => undefined);
  if (real !== undefined && model !== undefined && real === (await realpath(model)))
    throw new UsageError(`${option}: "${output}" is the model itself; name another file.`);
}

/** Bytes of a file; 0 where there is none. */
export async function fileSize(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}
