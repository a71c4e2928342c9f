import { Calibrator } from '../calibration/calibrator';
import { resolveOptions } from '../runtime/options';
import { Calibr8Error } from '../errors';
import { resolveQuantize, type QuantizeOptions, type ResolvedQuantize } from './options';
import { Probes } from './probes';
import { affordable, probe, rankLayers, type LayerCost } from './ranking';
import { judgedOutput, rowsOf } from './rows';
import { leastThatHolds } from './search';
import { compareSpeed } from './speed';
import type { QuantizeSummary } from './summary';
import { holds } from './tolerance';
import { Validator, type Measurement } from './validator';
import { Variants } from './variants';

/** Runs of the calibration that layers are ranked on, at most. */
const PROBES = 16;
/** Share of the time limit after which ranking ends with the layers measured so far, so that time is left to search. */
const RANKING_SHARE = 0.6;

/**
 * Accuracy-aware mixed precision: calibrates, and returns the fewest layers to FP32 with which the network is within a tolerance
 * on validation samples, ranked by what quantizing each costs and what it computes.
 *
 * The cost of a layer is measured on runs of the calibration, with this layer alone in INT8; how many layers are returned is
 * decided on the validation samples alone. Where even all-INT8 is within the tolerance nothing is ranked and none returned.
 *
 * ```ts
 * const summary = await quantize({
 *   model: 'net.onnx', output: 'net.int8.onnx', calibration: feeds, validation: samples, minAgreement: 98,
 * });
 * ```
 *
 * Errors: INVALID_ARGUMENT for options, INVALID_DATASET where validation samples or labels are missing or do not fit, and those
 * of {@link Calibrator}. That the tolerance was not met is no error: see `met` of the summary.
 */
export async function quantize(options: QuantizeOptions): Promise<QuantizeSummary> {
  const settings = resolveQuantize(options);
  const limit = AbortSignal.timeout(Math.ceil(settings.timeLimit * 1000));
  const calibrator = await Calibrator.create(settings.calibrator);
  try {
    return await new Quantizer(settings, calibrator, limit).run();
  } finally {
    await calibrator.release();
  }
}

/** A network that was validated. */
interface Candidate {
  readonly returned: readonly LayerCost[];
  readonly measured: Measurement;
}

class Quantizer {
  readonly #output: string;
  readonly #variants: Variants;
  readonly #probes = new Probes(PROBES);
  /** Aborted by the caller or by the time limit. */
  readonly #stop: AbortSignal;
  readonly #started = performance.now();

  constructor(
    readonly settings: ResolvedQuantize,
    readonly calibrator: Calibrator,
    readonly limit: AbortSignal,
  ) {
    const { signal, logits, calibrator: given } = settings;
    this.#output = judgedOutput(calibrator.outputNames, logits);
    const threads = given.threads === undefined ? {} : { threadsPerStream: given.threads };
    this.#variants = new Variants(calibrator, resolveOptions({ streams: 1, ...threads }));
    this.#stop = AbortSignal.any(signal ? [signal, limit] : [limit]);
  }

  async run(): Promise<QuantizeSummary> {
    const { tolerance, minInt8, signal } = this.settings;
    await this.#calibrate();
    const validator = await this.#createValidator();
    const allInt8: Candidate = { returned: [], measured: await this.#validate(validator, [], signal) };
    const shares = await this.#variants.multiplyAddsPercent(this.#probes.all[0]!.feeds);
    const int8 = this.calibrator.layers.reduce((sum, name) => sum + (shares.get(name) ?? 0), 0);
    const good = holds(tolerance, allInt8.measured);
    const ranking = good ? [] : rankLayers(await this.#measureLayers(shares));
    const { best, timedOut } = good
      ? { best: allInt8, timedOut: false }
      : await this.#search(validator, allInt8, affordable(ranking, int8 - minInt8), ranking.length);
    const speed = best.returned.length > 0 ? await this.#compareSpeed(best) : undefined;
    return {
      ...(await this.#save(best)),
      tolerance,
      met: holds(tolerance, best.measured),
      timedOut,
      result: best.measured,
      allInt8: allInt8.measured,
      returned: [...best.returned],
      ranking,
      int8MultiplyAddsPercent: best.returned.reduce((left, layer) => left - layer.multiplyAddsPercent, int8),
      speed,
    };
  }

  async #calibrate(): Promise<void> {
    const { calibration, signal, onProgress } = this.settings;
    let done = 0;
    for await (const feeds of calibration) {
      signal?.throwIfAborted();
      const outputs = await this.calibrator.run(feeds);
      await this.calibrator.sampleData();
      this.#probes.offer(feeds, rowsOf(outputs[this.#output]!, this.#output));
      onProgress({ stage: 'calibrating', done: ++done });
    }
    if (done === 0) {
      throw new Calibr8Error(
        'INVALID_DATASET',
        'Expected samples to calibrate on but received none. About 50 representative ones serve.',
      );
    }
  }

  async #createValidator(): Promise<Validator> {
    const { validation, tolerance, signal, onProgress } = this.settings;
    const onSample = (done: number): void => onProgress({ stage: 'validating', done });
    const validator = await Validator.create(this.calibrator, validation, this.#output, { onSample, signal });
    if (tolerance.maxDrop !== undefined && !validator.labeled) {
      throw new Calibr8Error(
        'INVALID_ARGUMENT',
        'Expected a label for every validation sample, since maxDrop is about accuracy. Give labels, or minAgreement or minSqnr in its place.',
      );
    }
    return validator;
  }

  #validate(
    validator: Validator,
    returned: readonly LayerCost[],
    signal: AbortSignal | undefined,
  ): Promise<Measurement> {
    const stage = returned.length === 0 ? 'validating' : 'searching';
    return this.#variants.with(
      returned.map(({ name }) => name),
      (session) =>
        validator.measure(session, {
          signal,
          onSample: (done, total) => this.settings.onProgress({ stage, done, total }),
        }),
      { signal },
    );
  }

  /** The cost of each layer, those first that are cheapest to return, as far as the time reaches. */
  async #measureLayers(shares: ReadonlyMap<string, number>): Promise<LayerCost[]> {
    const { timeLimit, onProgress, signal } = this.settings;
    const { layers } = this.calibrator;
    const share = (name: string): number => shares.get(name) ?? 0;
    const costs: LayerCost[] = [];
    for (const name of [...layers].sort((a, b) => share(a) - share(b))) {
      if (performance.now() - this.#started > RANKING_SHARE * timeLimit * 1000) break;
      const sqnrDb = await this.#unlessTimeIsUp(() =>
        this.#variants.with(
          layers.filter((other) => other !== name),
          (session) => probe(session, this.#probes.all, this.#output, this.#stop),
          { refined: false },
        ),
      );
      signal?.throwIfAborted();
      if (sqnrDb === undefined) break;
      costs.push({ name, sqnrDb, multiplyAddsPercent: share(name) });
      onProgress({ stage: 'ranking', done: costs.length, total: layers.length });
    }
    return costs;
  }

  /** The first candidate within the tolerance; where none is, or time is up before, the nearest to FP32 of those measured. */
  async #search(
    validator: Validator,
    allInt8: Candidate,
    ranking: readonly LayerCost[],
    measured: number,
  ): Promise<{ best: Candidate; timedOut: boolean }> {
    const { tolerance } = this.settings;
    const tried = new Map([[0, allInt8]]);
    const within = async (count: number): Promise<boolean> => {
      const returned = ranking.slice(0, count);
      const known = tried.get(count);
      const measured = known?.measured ?? (await this.#validate(validator, returned, this.#stop));
      tried.set(count, { returned, measured });
      return holds(tolerance, measured);
    };
    await this.#unlessTimeIsUp(() => leastThatHolds(ranking.length, within));
    const all = [...tried.values()];
    const good = all.filter(({ measured }) => holds(tolerance, measured));
    const best =
      good.length > 0
        ? good.reduce((a, b) => (b.returned.length < a.returned.length ? b : a))
        : all.reduce((a, b) => (b.measured.sqnrDb > a.measured.sqnrDb ? b : a));
    const unranked = measured < this.calibrator.layers.length;
    return { best, timedOut: this.limit.aborted || (unranked && good.length === 0) };
  }

  #compareSpeed(best: Candidate): ReturnType<typeof compareSpeed> {
    const { signal, onProgress } = this.settings;
    const onTrial = (done: number, total: number): void => onProgress({ stage: 'timing', done, total });
    const unrefined = { refined: false };
    const names = best.returned.map(({ name }) => name);
    const [probe] = this.#probes.all;
    const { threadsPerStream } = this.#variants.options;
    return this.#variants.with(
      [],
      (allInt8) =>
        this.#variants.with(
          names,
          (result) => compareSpeed({ allInt8, result }, probe!.feeds, threadsPerStream, { onTrial, signal }),
          unrefined,
        ),
      unrefined,
    );
  }

  async #save({ returned }: Candidate): ReturnType<Calibrator['save']> {
    const { signal } = this.settings;
    const names = returned.map(({ name }) => name);
    const { graph, result } = await this.calibrator.quantized(names, { signal });
    graph.metadata.set('calibr8.tolerance', JSON.stringify(this.settings.tolerance));
    graph.metadata.set('calibr8.returned', JSON.stringify(returned));
    return this.calibrator.save(graph, result, this.settings.output);
  }

  /** What `work` gives; undefined where the time limit ended it. */
  async #unlessTimeIsUp<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (this.limit.aborted && error === this.limit.reason) return undefined;
      throw error;
    }
  }
}
