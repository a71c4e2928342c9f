import { availableParallelism } from 'node:os';
import { expected } from '../errors';

/** Options of a session. */
export interface SessionOptions {
  /** Runs that may execute at the same time, each on its own threads. Default 1. */
  streams?: number;
  /**
   * Threads that share the work of one run. Default: `OMP_NUM_THREADS` where it is set, else the processors that this
   * process may use divided by `streams`. `intraOpNumThreads` means the same, for code written for onnxruntime.
   */
  threadsPerStream?: number;
  intraOpNumThreads?: number;
}

export interface ResolvedOptions {
  streams: number;
  threadsPerStream: number;
}

/** Names that onnxruntime's sessions take and that have no meaning here; they are accepted so that its users need no edits. */
const ONNXRUNTIME_ONLY = new Set([
  ...[
    'executionProviders',
    'interOpNumThreads',
    'graphOptimizationLevel',
    'enableCpuMemArena',
    'enableMemPattern',
  ],
  ...[
    'executionMode',
    'enableProfiling',
    'profileFilePrefix',
    'logId',
    'logSeverityLevel',
    'logVerbosityLevel',
  ],
  ...[
    'optimizedModelFilePath',
    'freeDimensionOverrides',
    'extra',
    'preferredOutputLocation',
    'externalData',
    'terminate',
    'tag',
  ],
]);

const KNOWN = new Set(['streams', 'threadsPerStream', 'intraOpNumThreads']);

export function resolveOptions(options: unknown): ResolvedOptions {
  if (options === undefined) return resolve({});
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw expected('an object', 'the session options', options);
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name) && !ONNXRUNTIME_ONLY.has(name)) {
      throw expected(`one of ${[...KNOWN].join(', ')}`, 'the name of a session option', name);
    }
  }
  return resolve(options);
}

function resolve(options: SessionOptions): ResolvedOptions {
  const streams = count(options.streams, 'streams') ?? 1;
  const threads =
    count(options.threadsPerStream, 'threadsPerStream') ??
    count(options.intraOpNumThreads || undefined, 'intraOpNumThreads');
  return { streams, threadsPerStream: threads ?? Math.max(1, Math.floor(defaultThreads() / streams)) };
}

/** Threads to use where nobody says: OMP_NUM_THREADS, else the processors of this process's affinity mask. */
export function defaultThreads(): number {
  const wanted = Number.parseInt(process.env['OMP_NUM_THREADS'] ?? '', 10);
  return wanted >= 1 ? wanted : availableParallelism();
}

function count(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 1024) {
    throw expected('a whole number from 1 to 1024', name, value);
  }
  return value;
}
