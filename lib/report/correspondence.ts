import type { Graph, Node, Value } from '../graph/graph';
import { sorted } from '../graph/order';
import { quantizationOf } from '../ops/quantize';
import { operatorOf } from '../ops/registry';
import { STORED_BITS, type ActivationGrid } from '../quantization/parameters';
import { recordedBits } from './receipt';

/** A value of the FP32 network and where the INT8 network quantizes it. Both graphs are canonical. */
export interface Match {
  /** In the FP32 graph. */
  readonly reference: Value;
  /** The same real value in the INT8 graph: input 0 of `quantizer`, or of `clip`. */
  readonly real: Value;
  /** What limits the value to fewer levels than the type has, before `quantizer`. */
  readonly clip: Node | undefined;
  readonly quantizer: Node;
  readonly grid: ActivationGrid;
}

/** A tensor of the INT8 network that cannot be compared. */
export interface Unmatched {
  /** The real value that is quantized, as the INT8 file calls it. */
  readonly name: string;
  readonly reason: string;
}

export interface Correspondence {
  /** In the FP32 network's execution order, its inputs first. */
  readonly matches: readonly Match[];
  readonly unmatched: readonly Unmatched[];
}

/**
 * Finds for each activation that the INT8 network quantizes the value of the FP32 network that it stands for: the one with the
 * name of the QuantizeLinear's input. Every tool that writes QDQ files keeps those names. Some leave out a ReLU whose work the
 * quantizer's own saturation does; then the value is the FP32 network's after that ReLU. A Clip that only the INT8 network has
 * belongs to the quantizer.
 */
export function findCorrespondence(reference: Graph, quantized: Graph): Correspondence {
  const values = new Map([...reference.values()].map((value) => [value.name, value]));
  const bits = recordedBits(quantized.metadata);
  const known = new Set([...quantized.values()].map(({ name }) => name));
  const matches = new Map<Value, Match>();
  const unmatched: Unmatched[] = [];
  const seen = new Set<Value>();
  for (const quantizer of activationQuantizers(quantized)) {
    const clip = values.has(quantizer.inputs[0]!.name) ? undefined : clipBefore(quantizer, quantized.opset);
    const real = (clip ?? quantizer).inputs[0]!;
    // A second quantizer of the same value, as some tools write for each consumer, says nothing new.
    if (seen.has(real)) continue;
    seen.add(real);
    const parameters = quantizationOf(quantizer);
    const dtype = quantizer.outputs[0]!.dtype;
    const found = values.get(real.name);
    if (parameters.axis !== -1 || (dtype !== 'uint8' && dtype !== 'int8'))
      unmatched.push({ name: real.name, reason: 'it has a scale for each channel' });
    else if (!found || found.constant)
      unmatched.push({ name: real.name, reason: 'the FP32 network has no value of this name' });
    else {
      const twin = afterLeftOutActivations(reference, found, known);
      const grid: ActivationGrid = {
        dtype,
        scale: parameters.scale[0]!,
        zeroPoint: parameters.zeroPoint[0]!,
        bits: bits.get(real.name) ?? STORED_BITS,
      };
      matches.set(twin, { reference: twin, real, clip, quantizer, grid });
    }
  }
  return { matches: inExecutionOrder(reference, matches), unmatched };
}

/** True where a network quantizes activations. */
export function isQuantized(graph: Graph): boolean {
  return activationQuantizers(graph).length > 0;
}

function activationQuantizers(graph: Graph): Node[] {
  return sorted(graph).filter(
    (node) => operatorOf(node).conversion === 'quantize' && node.inputs[0] && !node.inputs[0].constant,
  );
}

function clipBefore(quantizer: Node, opset: number): Node | undefined {
  const { producer } = quantizer.inputs[0]!;
  if (!producer) return undefined;
  return operatorOf(producer).eltwise?.(producer, opset)?.algorithm === 'clip' ? producer : undefined;
}

function afterLeftOutActivations(reference: Graph, value: Value, known: ReadonlySet<string>): Value {
  let last = value;
  while (reference.hasSingleUse(last)) {
    const [consumer] = last.consumers;
    const result = consumer!.outputs[0]!;
    if (!operatorOf(consumer!).eltwise?.(consumer!, reference.opset) || known.has(result.name)) break;
    last = result;
  }
  return last;
}

function inExecutionOrder(reference: Graph, matches: ReadonlyMap<Value, Match>): Match[] {
  const order = [...reference.inputs, ...sorted(reference).flatMap(({ outputs }) => outputs)];
  return order.flatMap((value) => (value && matches.get(value)) ?? []);
}
