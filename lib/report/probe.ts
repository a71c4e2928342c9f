import { clone } from '../graph/clone';
import type { Graph, Value } from '../graph/graph';
import type { Match } from './correspondence';

/** A copy of a graph that gives some of its values as outputs, after its own. */
export interface Probe {
  readonly graph: Graph;
  /** The name that each value has among the outputs, or undefined for one that is an input of the graph. */
  readonly names: readonly (string | undefined)[];
}

/** Makes values outputs. Those that are inputs of the graph are known already and are left alone. */
export function expose(graph: Graph, values: readonly Value[]): Probe & { values: Map<Value, Value> } {
  const copy = clone(graph);
  const names = values.map((value) => {
    if (graph.inputs.includes(value)) return undefined;
    const twin = copy.values.get(value)!;
    if (!copy.graph.outputs.includes(twin)) copy.graph.outputs.push(twin);
    return twin.name;
  });
  return { ...copy, names };
}

/** The INT8 network cut at every quantized value. */
export interface Isolated extends Probe {
  /** The input that takes FP32's value of each match, or undefined for an input of the network. */
  readonly feeds: readonly (string | undefined)[];
}

/**
 * The INT8 network cut before each quantizer: what follows it reads an input of its own, which takes FP32's value, and what it
 * quantized goes to an output, on the same grid. So each piece between two quantizers works on FP32's values, and differs from
 * FP32 by nothing but its own noise: rounding its inputs, its weights, its bias and its result.
 */
export function isolate(graph: Graph, matches: readonly Match[]): Isolated {
  const { graph: copy, values } = clone(graph);
  const names: (string | undefined)[] = [];
  const feeds: (string | undefined)[] = [];
  for (const { real, clip, quantizer } of matches) {
    const value = values.get(real)!;
    if (copy.inputs.includes(value)) {
      names.push(undefined);
      feeds.push(undefined);
      continue;
    }
    const given = copy.addValue(`${value.name}/given`, { dtype: 'float32', shape: value.shape });
    copy.inputs.push(given);
    // An output of the network stays what its layer makes of FP32's values.
    copy.replaceUses(value, given, () => true);
    let stored = value;
    for (const step of clip ? [clip, quantizer] : [quantizer]) {
      const inputs = [stored, ...step.inputs.slice(1).map((input) => input && values.get(input))];
      stored = copy.addValue(`${step === quantizer ? value.name : step.name}/own`, {
        dtype: step.outputs[0]!.dtype,
        shape: value.shape,
      });
      copy.addNode({
        op: step.op,
        domain: step.domain,
        name: `${step.name}/own`,
        inputs,
        outputs: [stored],
        attributes: step.attributes,
      });
    }
    copy.outputs.push(stored);
    names.push(stored.name);
    feeds.push(given.name);
  }
  return { graph: copy, names, feeds };
}
