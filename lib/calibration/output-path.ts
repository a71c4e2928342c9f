import { realpathSync, statSync } from 'node:fs';
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
  if (
    typeof model === 'string' &&
    statSync(output, { throwIfNoEntry: false }) &&
    realpathSync(output) === realpathSync(model)
  ) {
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected an output other than the FP32 model but received ${output}, which it would replace. Choose another output.`,
    );
  }
}
