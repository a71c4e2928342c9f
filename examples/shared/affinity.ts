import { execFileSync } from 'node:child_process';

/** Whether `taskset` is there, the tool of util-linux that pins processes. */
export function canPin(): boolean {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false; // not installed: the measurement goes on without, and says so
  }
}

/**
 * Pins this process, the threads it has and those it will start. Call it before the addon loads: OpenMP looks at the
 * affinity once. Returns false where `taskset` is missing or refuses.
 */
export function pinProcess(processors: readonly number[]): boolean {
  try {
    const args = ['--all-tasks', '--cpu-list', '--pid', processors.join(','), String(process.pid)];
    execFileSync('taskset', args, { stdio: 'ignore' });
    return true;
  } catch {
    return false; // as above
  }
}
