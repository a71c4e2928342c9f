import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Processors that this process may use. */
export function allowedProcessors(): number[] {
  const status = read('/proc/self/status');
  return parseProcessors(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '');
}

/** Reads a list such as `0-3,8`. */
export function parseProcessors(list: string): number[] {
  const ranges = list.split(',').filter((range) => range !== '');
  return ranges.flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);
  });
}

/**
 * Chooses processors for `threads` threads: each a core of its own before any core's second hardware thread is used, since
 * two of those share one core's arithmetic. Undefined where there are too few.
 */
export function chooseProcessors(
  threads: number,
  allowed = allowedProcessors(),
  siblings = siblingsOf,
): number[] | undefined {
  if (allowed.length < threads) return undefined;
  const taken = new Set<string>();
  const [first, rest]: [number[], number[]] = [[], []];
  for (const processor of allowed) {
    const core = siblings(processor);
    (taken.has(core) ? rest : first).push(processor);
    taken.add(core);
  }
  return [...first, ...rest].slice(0, threads).sort((a, b) => a - b);
}

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

function siblingsOf(processor: number): string {
  const path = `/sys/devices/system/cpu/cpu${processor}/topology/thread_siblings_list`;
  return read(path).trim() || String(processor);
}

/** A file of the kernel's; empty where this kernel has none. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
