import { InvalidArgumentError, Option, type Command } from 'commander';
import { Calibr8Error } from '../errors';
import { parsePreprocessing, PRESETS, type Preprocessing } from '../evaluation/preprocessing';
import type { Extent } from '../evaluation/resample';
import { resolveOptions, type PerformanceHint } from '../runtime/options';
import { UsageError } from './io';

export interface ImageOptions {
  preprocess?: string;
  resize?: Extent | 'none';
  crop?: Extent;
}

export interface ThreadOptions {
  streams?: number | 'auto';
  hint?: PerformanceHint;
  threads?: number;
}

export interface OutputOptions {
  json?: boolean;
}

/** A parser of integers from `least` to `most`, for commander. */
export function integer(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const range =
    most < Number.MAX_SAFE_INTEGER
      ? `from ${least} to ${most}`
      : least > Number.MIN_SAFE_INTEGER
        ? `of at least ${least}`
        : '';
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(`Expected an integer ${range}`.trimEnd() + '.');
    return value;
  };
}

/** Streams, and threads of each, that a session takes. */
const threadCount = integer(1, 1024);

function streamCount(text: string): number | 'auto' {
  return text === 'auto' ? text : integer(1, 256)(text);
}

/** A parser of numbers greater than 0. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError('Expected a number greater than 0.');
  return value;
}

/** A parser of numbers; what they may be is for the library to say. */
export function decimal(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Expected a number.');
  return value;
}

/** A parser of percentages. */
export function percentage(text: string): number {
  const value = decimal(text);
  if (value < 0 || value > 100) throw new InvalidArgumentError('Expected a percentage from 0 to 100.');
  return value;
}

export function addImageOptions(command: Command, fallback: string): Command {
  return command
    .option(
      '--preprocess <NAME|JSON>',
      `${Object.keys(PRESETS).join(', ')} or JSON with preset or crop, mean, std, resize, scale, layout, channels; ` +
        `the value fed is (x * scale - mean) / std (default: ${fallback})`,
    )
    .option(
      '--resize <N|HxW|none>',
      'resize the shorter side to N pixels first, or stretch to height H and width W, or neither',
      parseResize,
    )
    .option('--crop <N|HxW>', 'cut the middle N x N pixels out, or height H and width W', parseExtent);
}

export function addThreadOptions(command: Command): Command {
  return command
    .option('--streams <S|auto>', 'runs computed at once; auto: by --hint (default: 1)', streamCount)
    .addOption(
      new Option(
        '--hint <NAME>',
        'what --streams auto is for: throughput, a stream for each core (default), or latency, one stream with all cores',
      ).choices(['throughput', 'latency']),
    )
    .option(
      '--threads <T>',
      'threads of each stream (default: OMP_NUM_THREADS, else the cores this process may use, divided by the streams)',
      threadCount,
    );
}

/** `--threads` for commands that have one stream. */
export function addThreadsOption(command: Command): Command {
  return command.option(
    '--threads <T>',
    'threads (default: OMP_NUM_THREADS, else the cores this process may use)',
    threadCount,
  );
}

export function addOutputOptions(command: Command): Command {
  return command
    .option('--json', 'print JSON on stdout and nothing else there')
    .addOption(new Option('--debug', 'show the stack of an error'));
}

/** The preprocessing that the options say; `fallback` where they name none. */
export function preprocessingFrom(
  options: ImageOptions,
  fallback: string,
  option = '--preprocess',
): Preprocessing {
  try {
    return parsePreprocessing(options.preprocess ?? fallback, {
      resize: options.resize === 'none' ? null : options.resize,
      crop: options.crop,
    });
  } catch (error) {
    if (error instanceof Calibr8Error) throw new UsageError(`${option}: ${error.message}`, { cause: error });
    throw error;
  }
}

export interface Threads {
  streams: number;
  threadsPerStream: number;
  /** What decided the number of threads. */
  source: '--threads' | 'OMP_NUM_THREADS' | 'available cores';
}

/** The threads that a session will use, and why, so that a command can say it. */
export function resolveThreads({ streams, hint, threads }: ThreadOptions): Threads {
  if (hint !== undefined && typeof streams === 'number')
    throw new UsageError('--hint decides about the number of streams: leave out --streams, or give auto.');
  const { streams: count, threadsPerStream } = resolveOptions({
    ...(streams !== undefined && { streams }),
    ...(hint !== undefined && { performanceHint: hint }),
    ...(threads !== undefined && { threadsPerStream: threads }),
  });
  const omp = Number.parseInt(process.env['OMP_NUM_THREADS'] ?? '', 10) >= 1;
  const source = threads !== undefined ? '--threads' : omp ? 'OMP_NUM_THREADS' : 'available cores';
  return { streams: count, threadsPerStream, source };
}

function parseResize(text: string): Extent | 'none' {
  return text === 'none' ? text : parseExtent(text);
}

/** `N`, or `HxW`: height first, as in the shapes of networks. */
function parseExtent(text: string): Extent {
  const parts = text.split('x');
  if (parts.length !== 2) return integer(1)(text);
  return [integer(1)(parts[0]!), integer(1)(parts[1]!)];
}
