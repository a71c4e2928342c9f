import type { Node, Value } from '../graph/graph';
import { operatorOf } from '../ops/registry';
import { STORED_BITS } from './parameters';
import { matcher, type Named } from './patterns';

/** How many of the stored bits the levels of some layers' weights and of some tensors use. */
export interface BitsRule {
  /** A name, glob or `op:TYPE`, see {@link matcher}. */
  readonly match: string;
  readonly weights?: number | undefined;
  readonly activations?: number | undefined;
}

/** The bits of a layer's weights: the last rule for it counts. */
export function weightBits(layer: Node, rules: readonly BitsRule[]): number {
  const rule = rules.findLast(
    ({ match, weights }) => weights !== undefined && matcher(match, 'match')(layer),
  );
  return rule?.weights ?? STORED_BITS;
}

/** The bits of tensors that share a scale: the last rule for any of them counts. */
export function activationBits(values: readonly Value[], rules: readonly BitsRule[]): number {
  const names = namesOf(values);
  const rule = rules.findLast(
    ({ match, activations }) => activations !== undefined && names.some(matcher(match, 'match')),
  );
  return rule?.activations ?? STORED_BITS;
}

/** What patterns may call tensors by: their names, and the nodes that make them. */
export function namesOf(values: readonly Value[]): Named[] {
  return values.flatMap((value) => [{ name: value.name, op: '' }, ...makersOf(value)]);
}

/** The node that makes a value, and, before element-wise functions, the layer that they are fused with. */
function makersOf({ producer }: Value): Named[] {
  if (!producer) return [];
  const input = operatorOf(producer).eltwise && producer.inputs[0];
  return [producer, ...(input ? makersOf(input) : [])];
}
