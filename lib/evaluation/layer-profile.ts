import type { Peak, Peaks } from '../runtime/addon';
import type { Profile, ProfiledStep } from '../runtime/session';
import type { Tensor } from '../tensor';
import { quantile } from './metrics';
import type { Runnable } from './runnable';

/** One step of a network beside what the processor could do. Times are medians over single runs. */
export interface LayerProfile extends Omit<ProfiledStep, 'nanoseconds'> {
  milliseconds: number;
  /** Percent of the processor's peak for the layer's kind of arithmetic; absent where it has none, or no peak is known. */
  peakPercent?: number;
}

/** Where the time of a network goes. Times are medians over single runs, milliseconds. */
export interface NetworkProfile {
  layers: LayerProfile[];
  /** What the processor could do while the layers were measured. */
  peaks: Peaks;
  /** From the call of run() until its promise is settled. */
  runMs: number;
  /** From the first layer's begin to the last one's end, on the stream's thread, copies of outputs included. */
  executionMs: number;
  /** The layers' own times, added up. */
  layersMs: number;
  /** From the call to the first layer: checks, the copy of the inputs, the way to the stream's thread. */
  toFirstLayerMs: number;
  /** From the last layer to the caller's next line. */
  fromLastLayerMs: number;
  /** Of all layers; multiplications and additions, each counted as one. */
  operations: number;
  /** Percent of the run that its arithmetic would take at the processor's peak; absent where no peak is known. */
  peakPercent?: number;
  /** Percent of the time that the system and other work took from the measurement of the peaks; absent where none is known. */
  interruptedPercent?: number;
}

export interface LayerProfileOptions {
  session: Pick<Runnable, 'run'> & {
    profile(feeds: Record<string, Tensor>, runs: number): Promise<Profile>;
  };
  feeds: Record<string, Tensor>;
  /** For as many threads as the session uses for a run. */
  measurePeaks: () => Peaks | Promise<Peaks>;
  /** Time to measure. */
  seconds: number;
  onProgress?: ((share: number) => void) | undefined;
  /** Stops between runs by throwing the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Milliseconds between two measurements of the peaks. */
const PEAKS_APART = 100;

/**
 * Times run() as its caller sees it, the steps of single runs, and the processor's peaks, in turns: steps find the caches as a
 * run() does, and what disturbs the machine for a while, or changes its clock, meets all.
 */
export async function profileLayers(options: LayerProfileOptions): Promise<NetworkProfile> {
  const { session, feeds, measurePeaks, seconds, onProgress, signal } = options;
  await session.run(feeds); // compiles where the shapes were not known
  let { steps } = await session.profile(feeds, 5);
  const times = steps.map((): number[] => []);
  const [run, execution, layers, before, after] = Array.from({ length: 5 }, (): number[] => []);
  const measured: Peaks[] = [];
  let peaksAt = -Infinity;
  const begin = performance.now();
  do {
    signal?.throwIfAborted();
    if (performance.now() - peaksAt > PEAKS_APART) {
      measured.push(await measurePeaks());
      peaksAt = performance.now();
      await session.run(feeds); // what the peaks left behind meets no run that is timed
    }
    const start = performance.now();
    await session.run(feeds);
    run!.push(performance.now() - start);

    const call = process.hrtime.bigint();
    const profile = await session.profile(feeds, 1);
    const whole = Number(process.hrtime.bigint() - call);
    const { startNanoseconds, totalNanoseconds } = profile;
    const toFirst = startNanoseconds - Number(call);
    ({ steps } = profile);
    steps.forEach(({ nanoseconds }, index) => times[index]!.push(nanoseconds / 1e6));
    execution!.push(totalNanoseconds / 1e6);
    layers!.push(steps.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0) / 1e6);
    before!.push(toFirst / 1e6);
    after!.push((whole - toFirst - totalNanoseconds) / 1e6);
    onProgress?.(Math.min(1, (performance.now() - begin) / (1000 * seconds)));
  } while (performance.now() - begin < 1000 * seconds);

  const runMs = median(run!);
  const peaks = {
    int8: medianPeak(measured.map(({ int8 }) => int8)),
    float32: medianPeak(measured.map(({ float32 }) => float32)),
  };
  const atPeak = steps.map((step) => secondsAtPeak(step, peaks));
  const known = steps.every(({ arithmetic }, index) => arithmetic === 'none' || atPeak[index]! > 0);
  return {
    layers: steps.map((step, index) => toLayer(step, median(times[index]!), atPeak[index]!)),
    peaks,
    runMs,
    executionMs: median(execution!),
    layersMs: median(layers!),
    toFirstLayerMs: median(before!),
    fromLastLayerMs: median(after!),
    operations: steps.reduce((sum, { operations }) => sum + operations, 0),
    ...(known && { peakPercent: (1e5 * atPeak.reduce((sum, each) => sum + each, 0)) / runMs }),
    ...(peaks.int8.sustained > 0 && {
      interruptedPercent: 100 * Math.max(0, 1 - peaks.int8.sustained / peaks.int8.operationsPerSecond),
    }),
  };
}

function medianPeak(peaks: readonly Peak[]): Peak {
  return {
    instruction: peaks[0]!.instruction,
    operationsPerSecond: median(peaks.map(({ operationsPerSecond }) => operationsPerSecond)),
    // Few long interruptions make it up, so that all the work counts over all the time.
    sustained: peaks.length / peaks.reduce((time, { sustained }) => time + 1 / sustained, 0),
  };
}

function toLayer(step: ProfiledStep, milliseconds: number, atPeak: number): LayerProfile {
  const { name, kernel, implementation, reorders, dataTypes, bytesMoved, operations, arithmetic } = step;
  return {
    ...{ name, kernel, implementation, reorders, dataTypes, bytesMoved, operations, arithmetic },
    milliseconds,
    ...(atPeak > 0 && { peakPercent: (1e5 * atPeak) / milliseconds }),
  };
}

/** The least time that a step's arithmetic can take; 0 where it has none or no peak is known. */
function secondsAtPeak({ arithmetic, operations }: ProfiledStep, peaks: Peaks): number {
  if (arithmetic === 'none') return 0;
  const { operationsPerSecond } = peaks[arithmetic];
  return operationsPerSecond > 0 ? operations / operationsPerSecond : 0;
}

function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}
