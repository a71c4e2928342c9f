import { Calibr8Error } from '../errors';
import { clone } from '../graph/clone';
import { DATA_TYPES, isDataType, type DataType } from '../graph/data-type';
import type { Graph } from '../graph/graph';
import { EXECUTION, runPasses } from '../passes/pipeline';
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

/** Programs that a session keeps, one a set of input shapes; the least recently used goes first. */
const PROGRAMS_KEPT = 8;

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
  #closed = false;

  constructor(
    readonly graph: Graph,
    readonly options: ResolvedOptions,
  ) {
    this.#native = new (loadAddon().Session)(options);
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

  /** The program for given input shapes, in the order of the graph's inputs. */
  async compile(dims: readonly (readonly number[])[]): Promise<Program> {
    this.#checkOpen();
    const tensors = this.graph.inputs.map((value, index) => {
      const dtype = value.dtype ?? 'float32';
      const shape = dims[index]!;
      return { type: isDataType(dtype) ? dtype : 'float32', dims: shape };
    });
    return this.#program(tensors);
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

  #program(tensors: readonly { dims: readonly number[] }[]): Promise<Program> {
    const key = tensors.map(({ dims }) => dims.join('x')).join(';');
    const known = this.#programs.get(key);
    if (known) {
      this.#programs.delete(key);
      this.#programs.set(key, known);
      return known;
    }
    const building = native(() => this.#build(tensors.map(({ dims }) => dims)));
    this.#programs.set(key, building);
    // A failed program must not be kept; whoever awaits it gets the error.
    building.catch(() => this.#programs.delete(key));
    if (this.#programs.size > PROGRAMS_KEPT) this.#evict();
    return building;
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

  async #build(dims: readonly (readonly number[])[]): Promise<Program> {
    const { graph } = clone(this.graph);
    graph.inputs.forEach((value, index) => (value.shape = dims[index]!));
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
