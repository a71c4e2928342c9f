import type { TensorStatistics } from '../calibration/statistics';
import { Calibr8Error } from '../errors';
import type { Graph, Node, Value } from '../graph/graph';
import { operatorOf } from '../ops/registry';
import { realRange } from '../quantization/parameters';
import type { Tensor } from '../tensor';
import { OutputMeter, type OutputComparison } from './choices';
import type { ComparisonInput } from './input';
import type { PairRun } from './compared-networks';
import type { Layer, TensorComparison } from './comparison';
import type { Match } from './correspondence';
import { histogramView, RangeEstimates } from './histogram-view';
import { TensorMeter } from './tensor-meter';

/** Everything that is measured over the samples. */
export class Meters {
  readonly #meters: readonly TensorMeter[];
  readonly #outputs = new Map<string, OutputMeter>();
  #samples = 0;

  constructor(
    readonly reference: Graph,
    readonly matches: readonly Match[],
    factors: readonly (Float64Array | undefined)[],
    /** The output that labels are for. */
    readonly logits: string | undefined,
  ) {
    this.#meters = matches.map(
      ({ reference: value, grid }, index) => new TensorMeter(value.name, grid, factors[index]),
    );
  }

  /** Inputs so far. */
  get samples(): number {
    return this.#samples;
  }

  add(run: PairRun, pieces: readonly (Tensor<'uint8' | 'int8'> | undefined)[], input: ComparisonInput): void {
    const batch = Object.values(input.feeds)[0]?.dims[0] ?? 1;
    const rows = Math.min(batch, input.names?.length ?? batch);
    this.#meters.forEach((meter, index) => {
      const { data, dims } = run.reference[index]!;
      const stored = run.stored[index]!;
      // Where the batch is filled up with repetitions, those do not count.
      const size = dims[0] === batch ? (data.length / batch) * rows : data.length;
      meter.add(data.subarray(0, size), stored.data, (pieces[index] ?? stored).data, dims);
    });
    for (const { name, dtype } of this.reference.outputs)
      if (dtype === 'float32')
        this.#addOutput(run.fp32Outputs[name]!, run.int8Outputs[name]!, name, batch, rows, input);
    this.#samples += rows;
  }

  /** @param statistics of FP32's values, by match */
  tensors(statistics: readonly TensorStatistics[]): TensorComparison[] {
    return this.#meters.map((meter, index) => {
      const { name, grid, factors } = meter;
      const collected = statistics[index]!;
      const estimates = new RangeEstimates(collected);
      return {
        name,
        layer: layerOf(this.matches[index]!.reference, this.reference.opset),
        grid,
        range: realRange(grid),
        count: meter.count,
        sqnrDb: meter.sqnrDb,
        ownSqnrDb: meter.ownSqnrDb,
        clippedPercent: meter.clippedPercent,
        levelsUsedPercent: meter.levelsUsedPercent,
        systematicPercent: meter.systematicPercent,
        channelSpread: meter.channelSpread,
        equalized: factors !== undefined,
        histogram: histogramView(collected),
        observers: estimates.observers(grid.bits),
        rangeSqnrDb: factors ? undefined : estimates.sqnrDb(grid),
      };
    });
  }

  outputs(): OutputComparison[] {
    return [...this.#outputs.values()].map((meter) => meter.result());
  }

  #addOutput(
    fp32: Tensor,
    int8: Tensor,
    name: string,
    batch: number,
    rows: number,
    { names, labels }: ComparisonInput,
  ): void {
    const [first = 1, ...rest] = fp32.dims;
    const perRow = first === batch;
    const size = perRow ? fp32.size / batch : fp32.size;
    // One row of numbers, and no map of them, is what a choice is made from.
    const chooses = perRow && size > 1 && rest.filter((dim) => dim > 1).length === 1;
    let meter = this.#outputs.get(name);
    if (!meter) this.#outputs.set(name, (meter = new OutputMeter(name, chooses)));
    for (let row = 0; row < (perRow ? rows : 1); ++row) {
      const label = this.logits === name ? labels?.[row] : undefined;
      if (label !== undefined && chooses) checkLabel(label, size, name);
      const part = (tensor: Tensor): Float32Array =>
        (tensor as Tensor<'float32'>).data.subarray(row * size, (row + 1) * size);
      meter.add(part(fp32), part(int8), names?.[row] ?? String(this.#samples + row), label);
    }
  }
}

function checkLabel(label: number, classes: number, name: string): void {
  if (Number.isInteger(label) && label >= 0 && label < classes) return;
  throw new Calibr8Error(
    'INVALID_DATASET',
    `Expected labels from 0 to ${classes - 1}, the classes of output "${name}", but received ${label}. Check the labels and their offset (--label-offset).`,
  );
}

/** The node whose work a value is: the one before the element-wise functions that run fused with it. */
function layerOf(value: Value, opset: number): Layer | undefined {
  let node: Node | undefined = value.producer;
  while (node && operatorOf(node).eltwise?.(node, opset) && node.inputs[0]?.producer)
    node = node.inputs[0].producer;
  return (
    node && {
      name: node.name,
      op: node.op,
      weighted: operatorOf(node).linear !== undefined,
      input: node.inputs[0]?.name,
    }
  );
}
