import { expected } from '../errors';
import { allowedProcessors, availableCores, chooseProcessors, coresAmong } from './processors';

/** What a session with `streams: 'auto'` is to be good at. */
export type PerformanceHint = 'throughput' | 'latency';

/** Options of a session. */
export interface SessionOptions {
  /**
   * Runs that may execute at the same time, each on its own threads. Default 1. `'auto'` decides by `performanceHint` for the
   * cores that this process may use: its affinity mask (`taskset`, cpusets), a core with two hardware threads counted once, within
   * its control group's processor time; or for `OMP_NUM_THREADS` where it is set.
   */
  streams?: number | 'auto';
  /**
   * The rule of `streams: 'auto'`, which it implies, named as in OpenVINO: `'throughput'`, the default, is a stream of one thread
   * (or of `threadsPerStream`) for each core, for callers that have several runs under way; `'latency'` is one stream with all
   * cores, for a caller that waits for each run.
   */
  performanceHint?: PerformanceHint;
  /**
   * Threads that share the work of one run. Default: `OMP_NUM_THREADS` where it is set, else the cores that this process may
   * use, divided by `streams`. `intraOpNumThreads` means the same, for code written for onnxruntime.
   */
  threadsPerStream?: number;
  intraOpNumThreads?: number;
  /**
   * Gives each stream processors of its own, which its threads do not leave. Default: only where there is more than one stream
   * and together they fill the cores of the affinity mask, since processes that share a machine and use a part of it each would
   * otherwise all choose the same processors.
   */
  pinThreads?: boolean;
}

export interface ResolvedOptions {
  streams: number;
  threadsPerStream: number;
  /** The processors that threads are pinned to, `threadsPerStream` for each stream in turn; absent where they are not pinned. */
  processors?: readonly number[];
}

/** Names that onnxruntime's sessions take and that have no meaning here; they are accepted so that its users need no edits. */
const ONNXRUNTIME_ONLY = [
  'executionProviders',
  'interOpNumThreads',
  'graphOptimizationLevel',
  'enableCpuMemArena',
  'enableMemPattern',
  'executionMode',
  'enableProfiling',
  'enableGraphCapture',
  'profileFilePrefix',
  'logId',
  'logSeverityLevel',
  'logVerbosityLevel',
  'optimizedModelFilePath',
  'freeDimensionOverrides',
  'extra',
  'preferredOutputLocation',
  'externalData',
  'terminate',
  'tag',
] as const;

/** Options of onnxruntime's sessions that are accepted and mean nothing here. */
export type IgnoredOptions = { readonly [Name in (typeof ONNXRUNTIME_ONLY)[number]]?: unknown };

const IGNORED: ReadonlySet<string> = new Set(ONNXRUNTIME_ONLY);

/** The addon's limits. */
const MOST_STREAMS = 256;
const MOST_THREADS = 1024;

const KNOWN = new Set(['streams', 'performanceHint', 'threadsPerStream', 'intraOpNumThreads', 'pinThreads']);

export function resolveOptions(options: unknown): ResolvedOptions {
  if (options === undefined) return resolve({});
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw expected('an object', 'the session options', options);
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name) && !IGNORED.has(name)) {
      throw expected(`one of ${[...KNOWN].join(', ')}`, 'the name of a session option', name);
    }
  }
  return resolve(options);
}

function resolve(options: SessionOptions): ResolvedOptions {
  const threads =
    count(options.threadsPerStream, 'threadsPerStream', MOST_THREADS) ??
    count(options.intraOpNumThreads || undefined, 'intraOpNumThreads', MOST_THREADS);
  const division = isAutomatic(options)
    ? divide(options.performanceHint ?? 'throughput', threads)
    : share(count(options.streams, 'streams', MOST_STREAMS) ?? 1, threads);
  return withProcessors(division, options.pinThreads);
}

/** Whether the numbers of streams and threads are to be found here. Throws where options contradict each other. */
function isAutomatic({ streams, performanceHint }: SessionOptions): boolean {
  if (performanceHint === undefined) return streams === 'auto';
  if (performanceHint !== 'throughput' && performanceHint !== 'latency')
    throw expected("'throughput' or 'latency'", 'performanceHint', performanceHint);
  if (streams !== undefined && streams !== 'auto')
    throw expected("'auto', since performanceHint decides about their number,", 'streams', streams);
  return true;
}

function divide(hint: PerformanceHint, threads: number | undefined): ResolvedOptions {
  const all = defaultThreads();
  if (hint === 'latency') return { streams: 1, threadsPerStream: threads ?? all };
  return {
    streams: Math.min(MOST_STREAMS, Math.max(1, Math.floor(all / (threads ?? 1)))),
    threadsPerStream: threads ?? 1,
  };
}

function share(streams: number, threads: number | undefined): ResolvedOptions {
  return { streams, threadsPerStream: threads ?? Math.max(1, Math.floor(defaultThreads() / streams)) };
}

function withProcessors(division: ResolvedOptions, pin: unknown): ResolvedOptions {
  if (pin !== undefined && typeof pin !== 'boolean') throw expected('true or false', 'pinThreads', pin);
  const { streams, threadsPerStream } = division;
  if (pin === false || (pin === undefined && streams === 1)) return division;
  const allowed = allowedProcessors();
  const threads = streams * threadsPerStream;
  if (pin === undefined && threads < coresAmong(allowed)) return division;
  const processors = chooseProcessors(threads, allowed);
  if (processors) return { ...division, processors };
  if (pin === undefined) return division;
  throw expected(
    `at most ${allowed.length} threads, as many as this process has processors,`,
    'pinThreads',
    `${streams} x ${threadsPerStream} threads`,
  );
}

/** Threads to use where nobody says: OMP_NUM_THREADS, else the cores that this process may use. */
export function defaultThreads(): number {
  const wanted = Number.parseInt(process.env['OMP_NUM_THREADS'] ?? '', 10);
  return wanted >= 1 ? wanted : availableCores();
}

function count(value: unknown, name: string, most: number): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > most) {
    throw expected(`a whole number from 1 to ${most}`, name, value);
  }
  return value;
}
