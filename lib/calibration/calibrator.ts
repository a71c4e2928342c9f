import { Calibr8Error, expected } from '../errors';
import { clone } from '../graph/clone';
import { fingerprint } from '../graph/fingerprint';
import type { Graph, Value } from '../graph/graph';
import { saveModel } from '../onnx';
import { stat } from 'node:fs/promises';
import { CANONICAL, runPasses } from '../passes/pipeline';
import { assign, type Assignment } from '../quantization/assign';
import { bytesOf, checkFeeds } from '../runtime/feeds';
import { resolveOptions } from '../runtime/options';
import { readToRun, toSource } from '../runtime/source';
import { metadataOf, type TensorMap, type ValueMetadata } from '../runtime/session';
import { loadTable, requireFitting, type LoadedTable } from './loaded-table';
import { makeTable } from './make-table';
import { KeptSamples } from './kept-samples';
import { ObservedNetwork } from './observed-network';
import { resolveCalibration, type CalibratorOptions, type ResolvedCalibration } from './options';
import { checkOutputPath } from './output-path';
import { checkOverrides } from './overrides';
import { quantizeCalibrated, type QuantizationResult } from './quantize-calibrated';
import { quantizeRefined } from './quantize-refined';
import { resolveControl, type RefinementControl } from './refinement-control';
import { KEPT_SAMPLES, refines } from './refinement-options';
import { requireUnquantized, selectFeedsAndFetches } from './select';
import { SampleSet } from './sample-set';
import { mergeStatistics, type TensorStatistics } from './statistics';
import type { CalibrationSummary } from './summary';
import { writeTable, type CalibrationTable } from './table';
import type { RangeRules } from './thresholds';

/** @internal */
export interface VariantControl extends RefinementControl {
  /** False leaves out the refinement that the options ask for; default true. */
  refined?: boolean;
}

/**
 * Offline INT8 calibration in three steps, after PaddlePaddle 1.3's Calibrator: construct it, call {@link sampleData} after each
 * {@link run} on a representative input, then {@link saveInt8Model}.
 *
 * Errors: ALREADY_QUANTIZED for a model with QuantizeLinear or DequantizeLinear, NON_FINITE_VALUE for NaN or Infinity in a
 * tensor, INVALID_STATE for steps out of order, and those of InferenceSession.
 */
export class Calibrator {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata: readonly ValueMetadata[];
  readonly outputMetadata: readonly ValueMetadata[];
  readonly #graph: Graph;
  readonly #assignment: Assignment;
  readonly #network: ObservedNetwork;
  readonly #settings: ResolvedCalibration;
  /** Where the FP32 model came from; undefined for bytes, which need not be kept. */
  readonly #modelPath: string | undefined;
  /** SHA-256 of the FP32 network. */
  readonly #model: string;
  /** What this calibration goes on from. */
  readonly #table: LoadedTable | undefined;
  readonly #started = performance.now();
  /** The feeds of a run that was not sampled yet. */
  #pending: TensorMap | undefined;
  #running = 0;
  #samples: SampleSet;
  readonly #kept = new KeptSamples(KEPT_SAMPLES);
  /** What was read of the network since the last sample. */
  #statistics: ReadonlyMap<Value, TensorStatistics> | undefined;
  #released = false;

  private constructor(
    graph: Graph,
    assignment: Assignment,
    network: ObservedNetwork,
    settings: ResolvedCalibration,
    source: string | Uint8Array,
    model: string,
    table: LoadedTable | undefined,
  ) {
    this.#model = model;
    this.#table = table;
    this.#samples = table?.samples ?? SampleSet.EMPTY;
    this.#modelPath = typeof source === 'string' ? source : undefined;
    this.#graph = graph;
    this.#assignment = assignment;
    this.#network = network;
    this.#settings = settings;
    this.inputNames = graph.inputs.map(({ name }) => name);
    this.outputNames = graph.outputs.map(({ name }) => name);
    this.inputMetadata = graph.inputs.map(metadataOf);
    this.outputMetadata = graph.outputs.map(metadataOf);
  }

  /** Step 1: reads the FP32 model and decides what is to be observed. */
  static async create(options: CalibratorOptions): Promise<Calibrator> {
    const table = options?.table === undefined ? undefined : await loadTable(options.table);
    const given = withDefaults(options, table?.options);
    const settings = resolveCalibration(given);
    const session = resolveOptions({
      streams: 1,
      ...(settings.threads === undefined ? {} : { threadsPerStream: settings.threads }),
    });
    const source = toSource(options.model);
    const graph = await readToRun(source);
    if (settings.output !== undefined) checkOutputPath(settings.output, source);
    requireUnquantized(graph);
    const model = fingerprint(graph);
    selectFeedsAndFetches(graph, given.feedNames, given.fetchNames);
    runPasses(graph, CANONICAL);
    const assignment = assign(graph, settings.scheme);
    checkOverrides(settings.rules.overrides, assignment);
    if (assignment.linear.size + assignment.products.size === 0) {
      throw new Calibr8Error(
        'UNSUPPORTED_OPERATOR',
        'Expected a model with convolutions or matrix products whose weights are constant float32, but none can compute in INT8. There is nothing to calibrate.',
      );
    }
    if (table) requireFitting(table, model, assignment.groups);
    const network = new ObservedNetwork(graph, assignment, session);
    return new Calibrator(graph, assignment, network, settings, source, model, table);
  }

  /** Runs the FP32 network and gives its answers, as any session would. Its activations stay pending until sampleData(). */
  async run(feeds: Readonly<TensorMap>): Promise<TensorMap> {
    this.#checkOpen();
    if (this.#running > 0) {
      throw new Calibr8Error(
        'INVALID_STATE',
        'Expected one run at a time, since sampleData() takes the last one. Await run() before calling it again.',
      );
    }
    this.#running = 1;
    this.#pending = undefined;
    try {
      const outputs = await this.#network.run(feeds);
      this.#pending = { ...feeds };
      return Object.fromEntries(outputs.map((tensor, index) => [this.outputNames[index]!, tensor]));
    } finally {
      this.#running = 0;
    }
  }

  /** Step 2: adds the last run to the statistics. */
  async sampleData(): Promise<void> {
    this.#checkOpen();
    if (!this.#pending || this.#running > 0) {
      throw new Calibr8Error(
        'INVALID_STATE',
        'Expected a finished run() before sampleData(). Call and await run(feeds) first; each run can be sampled once.',
      );
    }
    const feeds = this.#pending;
    this.#pending = undefined;
    this.#network.sample();
    if (refines(this.#settings.refinement)) this.#kept.add(checkFeeds(this.#graph, feeds));
    this.#statistics = undefined;
    this.#samples = this.#samples.with(this.inputNames.map((name) => bytesOf(feeds[name]!.data)));
  }

  /**
   * Step 3: writes the INT8 model in QDQ form, atomically, and says what was decided. Sampling may go on afterwards.
   * @param output where to write; default the `output` given to create()
   * @param control follows the refinement, where options ask for one, and ends the work
   */
  async saveInt8Model(output?: string, control?: RefinementControl): Promise<CalibrationSummary> {
    this.#checkOpen();
    const path = output ?? this.#settings.output;
    if (typeof path !== 'string' || path === '')
      throw expected('a path', 'output (an option of create() or of saveInt8Model())', path);
    const { graph, result } = await this.quantized([], resolveControl(control));
    return this.save(graph, result, path);
  }

  /** @internal The names of the layers that compute in INT8, in the order of execution. */
  get layers(): string[] {
    const { linear, products } = this.#assignment;
    return [...linear, ...products].map(({ name }) => name);
  }

  /**
   * @internal The INT8 network from what was sampled so far.
   * @param returned names of layers that stay in FP32 beside those that the options exclude
   */
  async quantized(
    returned: readonly string[] = [],
    { refined = true, ...control }: VariantControl = {},
  ): Promise<{ graph: Graph; result: QuantizationResult }> {
    this.#checkOpen();
    control.signal?.throwIfAborted();
    const { scheme, preprocessing, refinement } = this.#settings;
    const network = {
      statistics: this.#collected(),
      assignment: returned.length > 0 ? assign(this.#graph, scheme, new Set(returned)) : this.#assignment,
      rules: this.#rules,
      scheme: { ...scheme, exclude: [...scheme.exclude, ...returned] },
      samples: this.#samples.count,
      samplesHash: this.#samples.digest,
      preprocessing,
    };
    if (refined && refines(refinement)) {
      const feeds = this.#kept.all;
      const session = this.#network.options;
      return quantizeRefined({ ...network, graph: this.#graph, refinement, feeds, session, ...control });
    }
    const { graph, values } = clone(this.#graph);
    return { graph, result: quantizeCalibrated({ ...network, graph, values }) };
  }

  /**
   * Writes what was measured and chosen so far as a calibration table: JSON to read, to edit, to save the INT8 model from without
   * data (the option `table`), and to merge with the tables of other samples ({@link mergeTables}).
   */
  async saveTable(path: string): Promise<CalibrationTable> {
    this.#checkOpen();
    const { scheme, preprocessing } = this.#settings;
    const table = makeTable({
      model: this.#model,
      assignment: this.#assignment,
      statistics: this.#collected(),
      rules: this.#rules,
      scheme,
      outputs: this.outputNames,
      samples: this.#samples,
      preprocessing,
    });
    await writeTable(table, path);
    return table;
  }

  /** @internal Writes a network that quantized() made. */
  async save(graph: Graph, result: QuantizationResult, path: string): Promise<CalibrationSummary> {
    checkOutputPath(path, this.#modelPath);
    const modelBytes = await saveModel(graph, path).then(() => fileSize(path));
    return { output: path, ...result, modelBytes, seconds: (performance.now() - this.#started) / 1000 };
  }

  /** Frees the native part. May be called again. */
  async release(): Promise<void> {
    this.#released = true;
    await this.#network.close();
  }

  get #rules(): RangeRules {
    return { ...this.#settings.rules, edits: this.#table?.edits ?? new Map<string, number>() };
  }

  /** The statistics of the table and of the samples together. Throws INVALID_STATE where there are none. */
  #collected(): ReadonlyMap<Value, TensorStatistics> {
    if (this.#samples.count === 0) {
      throw new Calibr8Error(
        'INVALID_STATE',
        'Expected at least one sample but sampleData() was never called. Run representative inputs and call sampleData() after each; about 50 serve.',
      );
    }
    if (!this.#statistics) {
      const before = this.#table?.statistics;
      const read = [...this.#network.read()].map(([value, statistics]) => {
        const earlier = before?.get(value.name);
        return [value, earlier ? mergeStatistics(earlier, statistics) : statistics] as const;
      });
      this.#statistics = new Map(read);
    }
    return this.#statistics;
  }

  #checkOpen(): void {
    if (this.#released)
      throw new Calibr8Error('SESSION_CLOSED', 'The calibrator was released. Create a new one.');
  }
}

/** The options, and the table's where they are left out. */
function withDefaults(
  options: CalibratorOptions,
  defaults: Partial<CalibratorOptions> | undefined,
): CalibratorOptions {
  if (!defaults) return options;
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(given) } as CalibratorOptions;
}

async function fileSize(path: string): Promise<number> {
  return (await stat(path)).size;
}
