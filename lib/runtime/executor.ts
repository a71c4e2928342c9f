import { Calibr8Error } from '../errors';
import { clone } from '../graph/clone';
import { Constant } from '../graph/constant';
import { DATA_TYPES, type DataType, type TypedArray } from '../graph/data-type';
import type { Graph, Value } from '../graph/graph';
import { EXECUTION, runPasses } from '../passes/pipeline';
import { isShort, valueInputs } from '../passes/value-inputs';
import { encodePlan } from '../plan/encode';
import { lower } from '../plan/lower';
import { planMemory } from '../plan/memory';
import type { Plan } from '../plan/plan';
import { Tensor } from '../tensor';
import type { CompiledProgram, NativeSession, ProgramProfile } from './addon';
import { bytesOf, checkFeeds } from './feeds';
import { loadAddon } from './load';
import { native } from './native-error';
import type { ResolvedOptions } from './options';

/** Programs that a session keeps, one a set of input shapes (and of values that decide about shapes); the least recently used goes first. */
const PROGRAMS_KEPT = 8;

/** An input's shape, and its values where the program depends on them. */
interface InputLike {
  readonly dims: readonly number[];
  readonly data?: TypedArray;
}

/** Makes every reader of an input read a constant; the input stays, since it is still fed. */
function compileIn(graph: Graph, input: Value, constant: Constant): void {
  graph.replaceUses(input, graph.addConstant(input.name, constant));
}

/** A plan that the addon has compiled and placed. */
export interface Program {
  readonly plan: Plan;
  readonly compiled: CompiledProgram;
  readonly arenaBytes: number;
}

/** Runs a canonical graph: specializes it for the shapes that come in, compiles once for each, and keeps a few. */
export class Executor {
  readonly #native: NativeSession;
  readonly #programs = new Map<string, Promise<Program>>();
  /** For each graph input whether its values decide about shapes: then they are compiled in. */
  readonly #byValue: readonly boolean[];
  #closed = false;

  constructor(
    readonly graph: Graph,
    readonly options: ResolvedOptions,
  ) {
    this.#native = new (loadAddon().Session)(options);
    const deciding = valueInputs(graph);
    this.#byValue = graph.inputs.map((value) => deciding.has(value));
  }

  /** Runs the network. Outputs are in the order of the graph's. */
  async run(feeds: unknown): Promise<Tensor[]> {
    this.#checkOpen();
    const tensors = checkFeeds(this.graph, feeds);
    const inputs = tensors.map(({ data }) => bytesOf(data));
    const program = await this.#program(tensors);
    const buffers = await native(() => this.#native.run(program.compiled.program, inputs));
    return program.plan.outputs.map((index, position) => {
      const { dtype, dims } = program.plan.values[index]!;
      return new Tensor<DataType>(dtype, new DATA_TYPES[dtype].array(buffers[position]!) as never, dims);
    });
  }

  /** Compiles for the feeds' shapes and times every step. */
  async profile(feeds: unknown, runs: number): Promise<{ program: Program; profile: ProgramProfile }> {
    this.#checkOpen();
    const tensors = checkFeeds(this.graph, feeds);
    const program = await this.#program(tensors);
    const inputs = tensors.map(({ data }) => bytesOf(data));
    return {
      program,
      profile: await native(() => this.#native.profile(program.compiled.program, inputs, runs)),
    };
  }

  /** True where programs depend on the values of some inputs, so that none can be compiled before a run. */
  get needsValues(): boolean {
    return this.#byValue.includes(true);
  }

  /** The program for given input shapes, in the order of the graph's inputs. */
  async compile(dims: readonly (readonly number[])[]): Promise<Program> {
    this.#checkOpen();
    return this.#program(dims.map((shape) => ({ dims: shape })));
  }

  /** The statistics side of the native session, for calibration. */
  get statistics(): Pick<NativeSession, 'commitStatistics' | 'readStatistics' | 'readPending'> {
    this.#checkOpen();
    return this.#native;
  }

  async close(): Promise<void> {
    this.#closed = true;
    // Runs that were called before this wait for their program and are under way only then.
    await Promise.allSettled(this.#programs.values());
    this.#programs.clear();
    await native(() => this.#native.close());
  }

  #checkOpen(): void {
    if (this.#closed) {
      throw new Calibr8Error(
        'SESSION_CLOSED',
        'The session was released. Create a new one to run the model again.',
      );
    }
  }

  #program(tensors: readonly InputLike[]): Promise<Program> {
    const inputs = tensors.map((tensor, index) => this.#specialized(tensor, index));
    const key = inputs.map(({ dims, data }) => dims.join('x') + (data ? `=${data.join(',')}` : '')).join(';');
    const known = this.#programs.get(key);
    if (known) {
      this.#programs.delete(key);
      this.#programs.set(key, known);
      return known;
    }
    const building = native(() => this.#build(inputs));
    this.#programs.set(key, building);
    // A failed program must not be kept; whoever awaits it gets the error.
    building.catch(() => this.#programs.delete(key));
    if (this.#programs.size > PROGRAMS_KEPT) this.#evict();
    return building;
  }

  /** An input with its values only where these are to be compiled in. */
  #specialized({ dims, data }: InputLike, index: number): InputLike {
    return data && this.#byValue[index] && isShort(dims) ? { dims, data } : { dims };
  }

  #evict(): void {
    const [oldest, program] = this.#programs.entries().next().value!;
    this.#programs.delete(oldest);
    program.then(
      ({ compiled }) => {
        if (!this.#closed) this.#native.dispose(compiled.program);
      },
      () => undefined, // it never came to be; its caller has the error
    );
  }

  async #build(inputs: readonly InputLike[]): Promise<Program> {
    const { graph } = clone(this.graph);
    graph.inputs.forEach((value, index) => {
      const { dims, data } = inputs[index]!;
      value.shape = dims;
      if (data) compileIn(graph, value, Constant.from(value.dtype!, dims, data.slice()));
    });
    runPasses(graph, EXECUTION);
    const plan = lower(graph);
    const compiled = await this.#native.compile(
      encodePlan(plan),
      plan.constants.map(({ bytes }) => bytes),
    );
    const placement = planMemory(plan, {
      valueBytes: compiled.valueBytes,
      valueAlias: compiled.valueAlias,
      workspaceBytes: compiled.steps.map(({ workspaceBytes }) => workspaceBytes),
    });
    this.#native.place(
      compiled.program,
      placement.valueOffsets,
      placement.workspaceOffset,
      placement.arenaBytes,
    );
    return { plan, compiled, arenaBytes: placement.arenaBytes };
  }
}
