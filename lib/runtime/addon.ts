/** What the native addon offers; lib/runtime/load.ts is the one file that loads it. docs/plan.md explains plans. */

/** Facts about the host and the library, for `calibr8 doctor` and benchmark headers. */
export interface AddonInfo {
  onednn: { version: string; runtime: string };
  cpu: {
    brand: string;
    /** Best instruction set that oneDNN may use here, for example `avx512_core_vnni`. */
    isa: string;
    vnni: boolean;
    /** Processors in this process's affinity mask. */
    available: number;
  };
  openmp: { maxThreads: number };
}

export interface NativeSessionOptions {
  /** Independent executors; each has its own thread, arena and OpenMP team. */
  streams: number;
  /** OpenMP team size of each stream. */
  threadsPerStream: number;
  /** What streams are pinned to: `threadsPerStream` processors for each stream in turn. */
  processors?: readonly number[];
  /** A processor is left for the host's thread, so that threads may wait a moment for each other without sleeping. */
  spareProcessor?: boolean;
}

export interface CompiledStep {
  name: string;
  kernel: string;
  /** oneDNN's implementation name (`jit_avx512_core_vnni...`, `brgconv...`, `ref:any`), or `calibr8:NAME` for our kernels, `none` for aliases. */
  implementation: string;
  /** Reorders that were inserted before this step because layouts disagree, as implementation names. */
  reorders: string[];
  /** Bytes needed while the step runs: scratchpad and inserted reorders. */
  workspaceBytes: number;
  /** Source and destination data types, for reports. */
  dataTypes: string;
  /** What its operations read and write, each operand once, inserted reorders included. */
  bytesMoved: number;
  /** Multiplications and additions of a convolution or matrix product, each counted as one; 0 for other steps. */
  operations: number;
  /** What those are computed on. */
  arithmetic: 'int8' | 'float32' | 'none';
}

/** The result of compiling a plan: what TypeScript needs to place it, and what `inspect` shows. */
export interface CompiledProgram {
  program: number;
  /** Bytes each value needs in the arena; 0 for inputs, constants and aliases. */
  valueBytes: Float64Array;
  /** Index of the value whose storage a value shares, or -1. */
  valueAlias: Int32Array;
  steps: CompiledStep[];
  /** How each output is brought into the host's memory, as implementation names: a copy, or a reorder to row-major. */
  outputCopies: string[];
  /** Bytes of constants in oneDNN's layouts that this program holds (shared ones counted once). */
  constantBytes: number;
}

export interface ObserverStatistics {
  /** Number of finite elements seen. */
  count: number;
  /** 0, like `max`, when count is 0. */
  min: number;
  max: number;
  /** Elements that are NaN or infinite; they are in no other figure. */
  nonFinite: number;
  /**
   * The histogram covers (-range, range); range is a power of two above the greatest |x|, so histograms merge exactly.
   * `negative[i]` counts x in (-(i+1) w, -i w), `positive[i]` counts x in [i w, (i+1) w), w = range / positive.length.
   * 0 when nothing but zeros was seen.
   */
  range: number;
  positive: Float64Array;
  negative: Float64Array;
  /** Sum and sum of squares of all finite elements. */
  sum: number;
  sumOfSquares: number;
}

export interface StepTime {
  /** Index into CompiledProgram.steps. */
  step: number;
  /** Median time over the profiled runs, nanoseconds, inserted reorders included. */
  nanoseconds: number;
}

export interface ProgramProfile {
  steps: StepTime[];
  /** Median wall time of the whole run on the stream's thread, nanoseconds (without the steps' own timers). */
  totalNanoseconds: number;
  /** When the first step of the last run that was timed by steps began, on the clock of process.hrtime(). */
  startNanoseconds: number;
}

export interface NativeSession {
  /** Compiles on the session's own thread. Rejects with code INVALID_PLAN or ONEDNN. The constants must not change before it settles. */
  compile(plan: Uint8Array, constants: readonly NativeConstant[]): Promise<CompiledProgram>;
  /** Places a compiled program's values in an arena of `arenaBytes`; offsets are multiples of 64. Throws INVALID_PLAN. */
  place(program: number, valueOffsets: Float64Array, workspaceOffset: number, arenaBytes: number): void;
  /**
   * Runs on the first free stream. Inputs are copied before it returns. Outputs, in plan order, are written while it runs:
   * nobody else may know their buffers before it settles, since one that is transferred meanwhile would be freed.
   */
  run(
    program: number,
    inputs: readonly ArrayBufferView[],
    outputs: readonly ArrayBufferView[],
  ): Promise<void>;
  /**
   * Same on this thread, with a team where the stream has one, and true once it is done; false, and nothing done, where the session
   * has more than one stream or a task under way.
   */
  runHere(program: number, inputs: readonly ArrayBufferView[], outputs: readonly ArrayBufferView[]): boolean;
  /**
   * Times every step. With several runs, the first warms caches up and medians of the others count; a single run is timed as it
   * comes, under the conditions of any run().
   */
  profile(
    program: number,
    inputs: readonly ArrayBufferView[],
    outputs: readonly ArrayBufferView[],
    runs: number,
  ): Promise<ProgramProfile>;
  /** Waits until a task of this session has ended, for so many microseconds at most, without sleeping. */
  lookOut(microseconds: number): void;
  /** Adds the observations of the last run to the totals. Needs streams = 1. */
  commitStatistics(): void;
  /** The totals so far by observer number. */
  readStatistics(): Map<number, ObserverStatistics>;
  /** Same, for the last run only, not yet committed. Histograms are left out (empty arrays). */
  readPending(): Map<number, ObserverStatistics>;
  /** Frees a program and its arenas once no run uses it. */
  dispose(program: number): void;
  /** Waits for runs under way, then frees everything; later calls reject or throw with code SESSION_CLOSED. Idempotent. */
  close(): Promise<void>;
}

/**
 * A layer's weights w to be rounded together: each row minimizes (sq - w)'H(sq - w) over whole numbers q up to
 * `greatestLevel`, H being its group's moments and s its scale.
 */
export interface RoundingProblem {
  /** Rows of all groups; each group has as many. */
  rows: number;
  columns: number;
  groups: number;
  /** Shape [groups, columns, columns], symmetric. */
  moments: Float32Array;
  /** Shape [rows, columns]. */
  weights: Float32Array;
  /** Shape [rows], above 0. */
  scales: Float32Array;
  /** Shape [rows, columns]: where the search begins. */
  levels: Int8Array;
  /** Greatest |q|, 1 to 127. */
  greatestLevel: number;
  /** Passes over all weights at most. */
  sweeps: number;
  threads: number;
}

/** A constant's bytes, or float32 numbers that are multiplied by a factor for each channel, `inner` neighbors at a time. */
export type NativeConstant =
  | ArrayBufferView
  | { readonly data: ArrayBufferView; readonly factors: Float64Array; readonly inner: number };

/** The most that instructions of one kind can do with their operands in registers. */
export interface Peak {
  /** Empty where the processor has none that the addon knows. */
  instruction: string;
  /** Multiplications and additions, each counted as one. */
  operationsPerSecond: number;
  /** Of all the time, with what interrupts the threads in it: the system, a hypervisor, other work. */
  sustained: number;
}

export interface Peaks {
  int8: Peak;
  float32: Peak;
}

export interface Addon {
  info(): AddonInfo;
  /**
   * Measures on so many threads at once, at the clock of this moment; takes some 10 milliseconds of the calling thread. Throws
   * INVALID_ARGUMENT.
   */
  measurePeaks(threads: number): Peaks;
  /** Has the system provide all pages of some memory that is about to be written, where it can do so at once. */
  populate(memory: Uint8Array): void;
  /** Coordinate descent; rejects or throws with code INVALID_ARGUMENT. The problem is copied before it returns. */
  roundWeights(problem: RoundingProblem): Promise<Int8Array>;
  Session: new (options: NativeSessionOptions) => NativeSession;
}
