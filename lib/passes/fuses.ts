import type { Node } from '../graph/graph';
import { operatorOf } from '../ops/registry';

/** Whether functions of a layer's result, and sums with it, run in the layer's own step. Conversions are still nodes. */
export function fuses(node: Node): boolean {
  const { linear } = operatorOf(node);
  if (!linear?.quantizable(node)) return false;
  const source = node.inputs[0]?.producer;
  return !linear.fusesInInt8Only || (source !== undefined && operatorOf(source).conversion === 'dequantize');
}
