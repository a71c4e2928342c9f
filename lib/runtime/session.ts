import { Calibr8Error, expected } from '../errors';
import type { DataType } from '../graph/data-type';
import type { Graph, Value } from '../graph/graph';
import { detachConstants } from '../passes/detach-constants';
import { CANONICAL, runPasses } from '../passes/pipeline';
import { Tensor } from '../tensor';
import { Executor } from './executor';
import { resolveOptions, type IgnoredOptions, type ResolvedOptions, type SessionOptions } from './options';
import { checkShapes } from './shapes';
import { readToRun, toSource } from './source';
import { describeProgram, precisionOf, type Precision, type ProgramInfo } from './program-info';

/** Tensors by name. */
export type TensorMap = Record<string, Tensor>;

/** What to fetch: names, or names to null or to a Tensor that receives the result. */
export type Fetches = readonly string[] | Readonly<Record<string, Tensor | null>>;

interface Fetch {
  name: string;
  /** Its place among the graph's outputs. */
  index: number;
  target: Tensor | null;
}

/** Type and shape of an input or output. */
export interface ValueMetadata {
  readonly name: string;
  readonly isTensor: true;
  readonly type: DataType;
  /** Numbers, or the symbol of a dimension that may vary (empty where it has none). */
  readonly shape: readonly (number | string)[];
}

/** One step of a profile. */
export interface ProfiledStep {
  name: string;
  kernel: string;
  /** oneDNN's implementation; `ref:*` is its slow reference code. */
  implementation: string;
  /** Conversions of memory layout that had to be inserted before it. */
  reorders: string[];
  dataTypes: string;
  /** What it reads and writes, each operand once, conversions of layout included. */
  bytesMoved: number;
  /** Multiplications and additions of a convolution or matrix product, each counted as one; 0 for other steps. */
  operations: number;
  /** What those are computed on. */
  arithmetic: 'int8' | 'float32' | 'none';
  /** Median time of a run, nanoseconds. */
  nanoseconds: number;
}

export interface Profile {
  steps: ProfiledStep[];
  /** Median time of a whole run on the stream's thread, nanoseconds. */
  totalNanoseconds: number;
  /** When the first step of the last run began, nanoseconds of `process.hrtime()`. */
  startNanoseconds: number;
}

/**
 * A network ready to run. The names and behavior are onnxruntime-common's, so that code written for onnxruntime-node runs
 * with the import changed.
 *
 * Errors: INVALID_MODEL, UNSUPPORTED_OPERATOR, FILE_ACCESS and INVALID_ARGUMENT from `create`; INVALID_FEED from `run`;
 * SESSION_CLOSED after `release`; ADDON_LOAD where the native part is missing.
 */
export class InferenceSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata: readonly ValueMetadata[];
  readonly outputMetadata: readonly ValueMetadata[];
  readonly #executor: Executor;
  readonly #everything: readonly Fetch[];
  #precision: Precision | undefined;

  private constructor(executor: Executor) {
    const { graph } = executor;
    this.#executor = executor;
    this.inputNames = graph.inputs.map(({ name }) => name);
    this.outputNames = graph.outputs.map(({ name }) => name);
    this.inputMetadata = graph.inputs.map(metadataOf);
    this.outputMetadata = graph.outputs.map(metadataOf);
    this.#everything = this.outputNames.map((name, index) => ({ name, index, target: null }));
  }

  /**
   * Loads a model from a path or from bytes and compiles it where its input shapes are known.
   * @param model path of an ONNX file, or its bytes; they must not change while the session lives
   */
  static create(
    model: string | Uint8Array,
    options?: SessionOptions & IgnoredOptions,
  ): Promise<InferenceSession>;
  static create(
    buffer: ArrayBufferLike,
    options?: SessionOptions & IgnoredOptions,
  ): Promise<InferenceSession>;
  static create(
    buffer: ArrayBufferLike,
    byteOffset: number,
    byteLength?: number,
    options?: SessionOptions & IgnoredOptions,
  ): Promise<InferenceSession>;
  static async create(model: unknown, ...rest: unknown[]): Promise<InferenceSession> {
    // Numbers may stand before the options.
    const at = rest.findIndex((argument) => typeof argument !== 'number' && argument !== undefined);
    const options = resolveOptions(at < 0 ? undefined : rest[at]);
    const [byteOffset, byteLength] = (at < 0 ? rest : rest.slice(0, at)) as (number | undefined)[];
    const graph = await readToRun(toSource(model, byteOffset, byteLength));
    return InferenceSession.fromGraph(graph, options);
  }

  /** @internal Takes a graph as it was read. */
  static async fromGraph(graph: Graph, options: ResolvedOptions): Promise<InferenceSession> {
    // A session keeps the graph for other shapes, and what its constants are views into.
    runPasses(graph, [...CANONICAL, detachConstants]);
    const executor = new Executor(graph, options);
    const session = new InferenceSession(executor);
    const dims = graph.inputs.map((value) => value.dims);
    try {
      // Known shapes let errors show now and make the first run as fast as the others.
      if (dims.every((shape) => shape !== undefined) && !executor.needsValues) await executor.compile(dims);
    } catch (error) {
      await executor.close();
      throw error;
    }
    return session;
  }

  /**
   * `int8` where every convolution and matrix product computes on quantized numbers, `fp32` where none, else `mixed`. Found out
   * when it is asked for, since that takes as long as a good part of loading.
   */
  get precision(): Precision {
    this.#precision ??= precisionOf(this.#executor.graph);
    return this.#precision;
  }

  /** Threads that this session uses. */
  get threads(): ResolvedOptions {
    return this.#executor.options;
  }

  /**
   * Runs the network once. Calls may overlap; `streams` of them execute at the same time. The calling thread stays free, unless
   * the session's one stream uses all processors: then runs of less than 20 milliseconds execute in the call, for 10 milliseconds or
   * one run between two turns of the event loop.
   * @param feeds a Tensor for each input, by name; its data is copied, but not always at once: as with onnxruntime-node, it
   *   must not change before the promise settles
   * @param fetches the outputs wanted; default all
   */
  run(feeds: Readonly<TensorMap>, fetches?: Fetches | object, _runOptions?: object): Promise<TensorMap> {
    // Not an async function: another promise between the executor's and the caller's takes time in every run.
    try {
      const wanted = this.#fetches(fetches);
      return this.#executor.runThen(feeds, (outputs) => collect(wanted, outputs));
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /**
   * Times every step of a run with the given feeds, over `runs` runs (default 20) with warm caches; with `runs` = 1 as a single
   * run() finds them.
   */
  async profile(feeds: Readonly<TensorMap>, runs = 20): Promise<Profile> {
    if (!Number.isInteger(runs) || runs < 1) throw expected('a whole number of 1 or more', 'runs', runs);
    const { program, profile } = await this.#executor.profile(feeds, runs);
    return {
      steps: profile.steps.map(({ step, nanoseconds }) => {
        const { name, kernel, implementation, reorders, dataTypes, bytesMoved, operations, arithmetic } =
          program.compiled.steps[step]!;
        return {
          ...{ name, kernel, implementation, reorders, dataTypes },
          ...{ bytesMoved, operations, arithmetic, nanoseconds },
        };
      }),
      totalNanoseconds: profile.totalNanoseconds,
      startNanoseconds: profile.startNanoseconds,
    };
  }

  /** Compiles for given input shapes (by input name; default the model's own, with 1 for what varies) and tells what runs. */
  async info(shapes: Readonly<Record<string, readonly number[]>> = {}): Promise<ProgramInfo> {
    return describeProgram(await this.#executor.compile(checkShapes(this.#executor.graph, shapes)));
  }

  /** Frees what the session holds once the runs under way have ended. May be called again. */
  async release(): Promise<void> {
    await this.#executor.close();
  }

  #fetches(fetches: unknown): readonly Fetch[] {
    if (fetches === undefined) return this.#everything;
    const wanted = 'an array of output names, or an object from output names to Tensor or null,';
    if (Array.isArray(fetches)) {
      if (fetches.length === 0) throw expected(wanted, 'fetches', fetches);
      return (fetches as unknown[]).map((name) => this.#fetch(name, null));
    }
    if (typeof fetches !== 'object' || fetches === null || fetches instanceof Tensor)
      throw expected(wanted, 'fetches', fetches);
    const entries = Object.entries(fetches);
    // As in onnxruntime-common, the second argument may be the run options instead.
    if (!entries.some(([name]) => this.outputNames.includes(name))) return this.#everything;
    return entries.map(([name, target]) => this.#fetch(name, target));
  }

  #fetch(name: unknown, target: unknown): Fetch {
    if (typeof name !== 'string' || !this.outputNames.includes(name))
      throw expected(`one of ${this.outputNames.join(', ')}`, 'an output to fetch', name);
    if (target !== null && !(target instanceof Tensor))
      throw expected('a Tensor or null', `the fetch "${name}"`, target);
    return { name, index: this.outputNames.indexOf(name), target };
  }
}

/** What a session or calibrator tells of an input or output. */
export function metadataOf(value: Value): ValueMetadata {
  return {
    name: value.name,
    isTensor: true,
    type: value.dtype ?? 'float32',
    shape: (value.shape ?? []).map((dim) => dim ?? ''),
  };
}

function collect(wanted: readonly Fetch[], outputs: readonly Tensor[]): TensorMap {
  const results: TensorMap = {};
  for (const { name, index, target } of wanted) {
    const output = outputs[index]!;
    results[name] = target ? fill(target, output, name) : output;
  }
  return results;
}

function fill(target: Tensor, output: Tensor, name: string): Tensor {
  if (target.type !== output.type || target.dims.join() !== output.dims.join()) {
    const text = ({ type, dims }: Tensor): string => `a Tensor of ${type} [${dims.join(', ')}]`;
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected ${text(output)} to receive "${name}" but received ${text(target)}.`,
    );
  }
  (target.data as Float32Array).set(output.data as Float32Array);
  return target;
}
