import type { Graph, Node, Value } from '../graph/graph';
import { sorted } from '../graph/order';
import { operatorOf } from '../ops/registry';
import type { ResolvedOptions } from '../runtime/options';
import type { Tensor } from '../tensor';
import { meanCorrection, type Cut } from './bias-correction';
import { Frontier } from './frontier';
import { layerMoments } from './layer-moments';
import { learnRounding } from './learned-rounding';
import { searchScales } from './scale-search';
import { shiftBias } from './shift-bias';

export interface Refinement {
  /** The FP32 network, equalized or not. */
  readonly reference: Graph;
  /** Its QDQ form with every layer rounded to the nearest; its weights and biases are replaced. */
  readonly quantized: Graph;
  /** The bits of each INT8 layer's weights by the layer's name, which is the same in both graphs. */
  readonly layers: ReadonlyMap<string, number>;
  /** For each sample the inputs in the graphs' order. */
  readonly feeds: readonly (readonly Tensor[])[];
  readonly scaleSearch: boolean;
  readonly learnedRounding: boolean;
  readonly biasCorrection: boolean;
  /** Limits that equalization left to an activation of the reference, by the activation's result. */
  readonly limits: ReadonlyMap<string, Float32Array>;
  readonly options: ResolvedOptions;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Improves the weights and biases of an INT8 network layer by layer in the order of execution, each on what the layers before it
 * really deliver by then, so that earlier corrections count.
 */
export async function refine(refinement: Refinement): Promise<void> {
  const { reference, quantized, layers, feeds, options } = refinement;
  const originals = new Map([...reference.nodes].map((node) => [node.name, node]));
  const values = new Map([...quantized.values()].map((value) => [value.name, value]));
  const nodes = sorted(quantized).filter(({ name }) => layers.has(name));
  const fp32 = new Frontier(reference, feeds, options);
  const int8 = new Frontier(quantized, feeds, options);
  let done = 0;
  for (const node of nodes) {
    const original = originals.get(node.name)!;
    const inputs = await int8.advance(node.inputs[0]!.producer!.inputs[0]!);
    const correctsBias = refinement.biasCorrection && node.inputs[2] !== undefined;
    await refineWeights(refinement, node, original, inputs, correctsBias ? 'mean' : 'zero');
    const own = await fp32.advance(original.outputs[0]!);
    if (correctsBias) {
      const axis = operatorOf(node).linear!.resultChannelAxis(node)!;
      const end = correctedValue(reference, original, axis);
      const wanted = end === original.outputs[0] ? own : await fp32.peek(end);
      const received = await int8.peek(values.get(end.name)!);
      shiftBias(quantized, node, meanCorrection(wanted, received, cutAfter(refinement, end), axis));
    }
    refinement.onProgress?.(++done, nodes.length);
    refinement.signal?.throwIfAborted();
  }
}

async function refineWeights(
  { quantized, layers, scaleSearch, learnedRounding, options }: Refinement,
  node: Node,
  original: Node,
  inputs: readonly Tensor[],
  about: 'mean' | 'zero',
): Promise<void> {
  if (!scaleSearch && !learnedRounding) return;
  const measure = (samples: readonly Tensor[]) => layerMoments(node, original, samples, about, options);
  const half = async (parity: number) => (await measure(inputs.filter((_, i) => i % 2 === parity)))!;
  const all = await measure(inputs);
  if (!all) return;
  const halves = async () => [await half(0), await half(1)] as const;
  const bits = layers.get(node.name)!;
  if (scaleSearch) await searchScales(quantized, node, original, { all, halves }, options, bits);
  if (learnedRounding) await learnRounding(quantized, node, all, options, bits);
}

/** The layer's own result, or the residual sum that it alone goes into: what a reader sees is the sum. */
function correctedValue(graph: Graph, node: Node, axis: number): Value {
  const value = node.outputs[0]!;
  if (!graph.hasSingleUse(value)) return value;
  const [consumer] = value.consumers;
  const isSum = operatorOf(consumer!).quantization.kind === 'sum';
  if (!isSum || consumer!.inputs.some((input) => input!.constant)) return value;
  const sum = consumer!.outputs[0]!;
  return haveSameChannels(value, sum, axis) ? sum : value;
}

/** False where broadcasting made several channels of one, or moved them to another axis. */
function haveSameChannels({ shape: a }: Value, { shape: b }: Value, axis: number): boolean {
  return a !== undefined && b !== undefined && a.length === b.length && a[axis] === b[axis];
}

/** The ReLU or clip that everybody reads the value through. */
function cutAfter({ reference, limits }: Refinement, value: Value): Cut {
  const open: Cut = { low: -Infinity, high: Infinity };
  if (!reference.hasSingleUse(value)) return open;
  const [consumer] = value.consumers;
  const eltwise = operatorOf(consumer!).eltwise?.(consumer!, reference.opset);
  if (eltwise?.algorithm === 'clip') return { low: eltwise.alpha, high: eltwise.beta };
  if (eltwise?.algorithm !== 'relu' || eltwise.alpha !== 0) return open;
  return { low: 0, high: limits.get(consumer!.outputs[0]!.name) ?? Infinity };
}
