import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Answers, Task } from './protocol';

const run = promisify(execFile);

/**
 * Carries a task out in a process of its own, pinned to the processors where there are any, so that no measurement
 * inherits the heap, the threads or the warm caches of another.
 */
export async function inProcess<T extends Task>(
  task: T,
  processors: readonly number[] | undefined,
): Promise<Answers[T['kind']]> {
  const node = [process.execPath, join(__dirname, 'worker.js'), JSON.stringify(task)];
  const command = processors ? ['taskset', '--cpu-list', processors.join(','), ...node] : node;
  // Settings of the caller must not decide what is measured; the worker sets the number of threads itself.
  const env = { ...process.env };
  delete env['OMP_NUM_THREADS'];
  const { stdout } = await run(command[0]!, command.slice(1), { env, maxBuffer: 2 ** 26 });
  return JSON.parse(stdout) as Answers[T['kind']];
}
