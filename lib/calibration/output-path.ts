import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Calibr8Error } from '../errors';

/**
 * Refuses, before anything is measured, an output that could not be written or that would replace the FP32 model.
 * @param model the FP32 model's path, or its bytes
 */
export function checkOutputPath(output: string, model: unknown): void {
  const folder = dirname(resolve(output));
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Calibr8Error(
      'FILE_ACCESS',
      `Cannot write ${output}: the folder ${folder} does not exist. Create it, or choose another output.`,
    );
  }
  const standing = statSync(output, { throwIfNoEntry: false });
  if (standing && !standing.isFile()) {
    throw new Calibr8Error(
      'FILE_ACCESS',
      `Cannot write ${output}: a folder or special file stands there. Choose the path of a file.`,
    );
  }
  if (standing && typeof model === 'string' && realpathSync(output) === realpathSync(model)) {
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected an output other than the FP32 model but received ${output}, which it would replace. Choose another output.`,
    );
  }
  if (!isWritable(folder)) {
    throw new Calibr8Error(
      'FILE_ACCESS',
      `Cannot write ${output}: the folder ${folder} may not be written. Change its permissions, or choose another output.`,
    );
  }
}

/** A file is written beside its place first, so that its folder is what counts. */
function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
