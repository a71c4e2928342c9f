import { Calibr8Error } from '../errors';
import { clone } from '../graph/clone';
import { Constant } from '../graph/constant';
import type { TypedArray } from '../graph/data-type';
import type { Graph, Value } from '../graph/graph';
import { EXECUTION, runPasses } from '../passes/pipeline';
import { isShort, valueInputs } from '../passes/value-inputs';
import { encodePlan } from '../plan/encode';
import { lower } from '../plan/lower';
import { planMemory } from '../plan/memory';
import type { Plan, PlanValue } from '../plan/plan';
import { zerosOf, type Tensor } from '../tensor';
import type { CompiledProgram, NativeConstant, NativeSession, ProgramProfile } from './addon';
import { checkFeeds, matchFeeds } from './feeds';
import { loadAddon } from './load';
import { Lookout, type Pace } from './lookout';
import { native, rethrow } from './native-error';
import type { ResolvedOptions } from './options';
import { availableProcessors } from './processors';
import { afterRunInCall, mayRunInCall } from './turn';

/** Programs that a session keeps, one a set of input shapes (and of values that decide about shapes); the least recently used goes first. */
const PROGRAMS_KEPT = 8;

/** Milliseconds of a run that may take place in the call: about as long as nobody notices that other events wait. */
const SHORT = 20;

/** An input's shape, and its values where the program depends on them. */
interface InputLike {
  readonly dims: readonly number[];
  readonly data?: TypedArray;
}

/** Makes every reader of an input read a constant; the input stays, since it is still fed. */
function compileIn(graph: Graph, input: Value, constant: Constant): void {
  graph.replaceUses(input, graph.addConstant(input.name, constant));
}

/** Without computing what the addon computes while it packs. */
function toNative(constant: Constant): NativeConstant {
  const { scaling } = constant;
  if (!scaling) return constant.bytes;
  return { data: scaling.base.bytes, factors: scaling.factors, inner: scaling.inner };
}

/** A plan that the addon has compiled and placed. */
export interface Program {
  readonly plan: Plan;
  readonly compiled: CompiledProgram;
  readonly arenaBytes: number;
  readonly pace: Pace;
  /** In the order of the graph's. */
  readonly inputs: readonly PlanValue[];
  /** Make a tensor for each of the graph's outputs. */
  readonly outputs: readonly (() => Tensor)[];
}

/** Runs a canonical graph: specializes it for the shapes that come in, compiles once for each, and keeps a few. */
export class Executor {
  readonly #native: NativeSession;
  /** A processor is left for this thread. */
  readonly #spare: boolean;
  readonly #programs = new Map<string, Promise<Program>>();
  /** For each graph input whether its values decide about shapes: then they are compiled in. */
  readonly #byValue: readonly boolean[];
  /** The program of the last run, one of #programs; none where values decide, which every run has to look at. */
  #last: Program | undefined;
  #closed = false;

  constructor(
    readonly graph: Graph,
    readonly options: ResolvedOptions,
  ) {
    this.#spare = options.streams * options.threadsPerStream < availableProcessors();
    this.#native = new (loadAddon().Session)({ ...options, spareProcessor: this.#spare });
    const deciding = valueInputs(graph);
    this.#byValue = graph.inputs.map((value) => deciding.has(value));
  }

  /** Runs the network. Outputs are in the order of the graph's. */
  run(feeds: unknown): Promise<Tensor[]> {
    return this.runThen(feeds, (outputs) => outputs);
  }

  /**
   * Runs the network and makes the result of its outputs. Feeds like those of the last run, the usual case, start at once: no
   * text is made, no promise awaited and no map searched for them.
   */
  async runThen<Result>(feeds: unknown, finish: (outputs: Tensor[]) => Result): Promise<Result> {
    this.#checkOpen();
    let program = this.#last;
    let inputs = program && matchFeeds(program.inputs, feeds);
    if (!program || !inputs) {
      const tensors = checkFeeds(this.graph, feeds);
      inputs = tensors.map(dataOf);
      program = await this.#program(tensors);
      if (!this.needsValues) this.#last = program;
    }
    const outputs: Tensor[] = [];
    const buffers: TypedArray[] = [];
    for (const make of program.outputs) {
      const output = make();
      outputs.push(output);
      buffers.push(output.data);
    }
    let lookout: Lookout | undefined;
    try {
      const start = performance.now();
      if (this.#runHere(program, inputs, buffers)) {
        program.pace.milliseconds = performance.now() - start;
        const turn = afterRunInCall(start);
        if (turn) await turn;
      } else {
        const running = this.#native.run(program.compiled.program, inputs, buffers);
        lookout = Lookout.begin(this.#native, program.pace, this.#spare);
        await running;
      }
    } catch (error) {
      rethrow(error);
    } finally {
      lookout?.end();
    }
    return finish(outputs);
  }

  /**
   * A short run on this thread, if the session leaves it no processor of its own: this thread could do nothing else meanwhile, and
   * two switches of threads are saved. False where it has to run on a stream.
   */
  #runHere({ compiled, pace }: Program, inputs: TypedArray[], outputs: TypedArray[]): boolean {
    if (this.#spare || pace.milliseconds === undefined || pace.milliseconds > SHORT) return false;
    return mayRunInCall() && this.#native.runHere(compiled.program, inputs, outputs);
  }

  /** Compiles for the feeds' shapes and times every step. */
  async profile(feeds: unknown, runs: number): Promise<{ program: Program; profile: ProgramProfile }> {
    this.#checkOpen();
    // Feeds like the last run's start as soon as that did: what precedes the first step is then what it is in a run.
    let program = this.#last;
    let inputs = program && matchFeeds(program.inputs, feeds);
    if (!program || !inputs) {
      const tensors = checkFeeds(this.graph, feeds);
      program = await this.#program(tensors);
      inputs = tensors.map(dataOf);
    }
    const outputs = program.outputs.map((make) => make().data);
    const profile = await native(() => this.#native.profile(program.compiled.program, inputs, outputs, runs));
    return { program, profile };
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
      (evicted) => {
        if (this.#last === evicted) this.#last = undefined;
        if (!this.#closed) this.#native.dispose(evicted.compiled.program);
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
    const compiled = await this.#native.compile(encodePlan(plan), plan.constants.map(toNative));
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
    return {
      plan,
      compiled,
      arenaBytes: placement.arenaBytes,
      pace: {},
      inputs: plan.inputs.map((index) => plan.values[index]!),
      outputs: plan.outputs.map((index) => zerosOf(plan.values[index]!.dtype, plan.values[index]!.dims)),
    };
  }
}

const dataOf = ({ data }: Tensor): TypedArray => data;
