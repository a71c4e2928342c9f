import { note, type CliIo } from '../../lib/cli/io';
import { withProgress } from '../../lib/cli/progress';
import type { OnProgress } from './task';

/** Standard streams of this process, for the helpers of the command line. */
export const IO: CliIo = {
  stdout: process.stdout,
  stderr: process.stderr,
  signal: new AbortController().signal,
};

/** Runs a stage of long work: says on stderr what it is, with a bar where a person watches. */
export async function stage<T>(
  label: string,
  unit: string,
  work: (onProgress: OnProgress) => Promise<T>,
): Promise<T> {
  note(IO, `${label} ...`);
  return withProgress(IO, ' ', unit, work);
}
