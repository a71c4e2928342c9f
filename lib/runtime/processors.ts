import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { cpuQuota } from './cgroup';

/** Reads a file of the kernel's; empty where this kernel has none. */
export type ReadText = (path: string) => string;

export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // other kernels and containers lack some of these files, and every caller has a fallback
  }
}

/** Processors that this process may use, those of its affinity mask (`taskset`, cpusets). Empty where the kernel does not tell. */
export function allowedProcessors(read: ReadText = readText): number[] {
  return parseProcessors(/^Cpus_allowed_list:\s*(\S+)/m.exec(read('/proc/self/status'))?.[1] ?? '');
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
  allowed: readonly number[] = allowedProcessors(),
  siblings: (processor: number) => string = siblingsOf,
): number[] | undefined {
  if (allowed.length < threads) return undefined;
  const { first, rest } = splitByCore(allowed, siblings);
  return [...first, ...rest].slice(0, threads).sort((a, b) => a - b);
}

/**
 * Cores that this process may keep busy: those of its affinity mask, a core with several hardware threads counted once, and no
 * more than its control group's share of processor time pays for.
 */
export function availableCores(read: ReadText = readText): number {
  const cores = coresAmong(allowedProcessors(read), (processor) => siblingsOf(processor, read));
  return withinQuota(cores || availableParallelism(), read);
}

/** Processors that this process may keep busy, a core's second hardware thread included, within its control group's share. */
export function availableProcessors(read: ReadText = readText): number {
  return withinQuota(allowedProcessors(read).length || availableParallelism(), read);
}

/** As many of them as the control group's processor time pays for, at least one. */
function withinQuota(count: number, read: ReadText): number {
  return Math.max(1, Math.min(count, Math.floor(cpuQuota(read))));
}

/** How many cores processors belong to. */
export function coresAmong(
  processors: readonly number[],
  siblings: (processor: number) => string = siblingsOf,
): number {
  return splitByCore(processors, siblings).first.length;
}

/** The first processor of each core, and the others. */
function splitByCore(
  processors: readonly number[],
  siblings: (processor: number) => string,
): { first: number[]; rest: number[] } {
  const taken = new Set<string>();
  const [first, rest]: [number[], number[]] = [[], []];
  for (const processor of processors) {
    const core = siblings(processor);
    (taken.has(core) ? rest : first).push(processor);
    taken.add(core);
  }
  return { first, rest };
}

/** The processors of the same core, as a text that they share. */
function siblingsOf(processor: number, read: ReadText = readText): string {
  const path = `/sys/devices/system/cpu/cpu${processor}/topology/thread_siblings_list`;
  return read(path).trim() || String(processor);
}
