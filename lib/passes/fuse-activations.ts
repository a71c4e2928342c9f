import type { Graph, PostOp, Node, Value } from '../graph/graph';
import { sorted } from '../graph/order';
import type { Eltwise } from '../ops/definition';
import { operatorOf } from '../ops/registry';
import { fuses } from './fuses';
import type { Pass } from './pass';
import { sameType } from './quantized-values';
import { originOf, removeConversions, roundingOf, type Origin } from './requantized';

/**
 * True where oneDNN could not compute the last function, since it would take the numbers of an earlier one of the same
 * algorithm. Clipping has two names there, and a hard sigmoid is a line that is clipped. Rounding has no numbers, and lines
 * are left to the addon, which mostly needs no function for them.
 */
function repeats(postOps: readonly PostOp[]): boolean {
  const nameOf = (name: string): string => (name === 'hardsigmoid' ? 'clip' : name);
  const names = postOps.flatMap((postOp) => (postOp.kind === 'eltwise' ? nameOf(postOp.algorithm) : []));
  const count = names.filter((name) => name === names.at(-1)).length;
  return count > (names.at(-1) === 'clip' ? 2 : 1);
}

/** What a node does to each element of its input 0 alone: an activation, or arithmetic with one constant. */
function functionOf(graph: Graph, node: Node): Eltwise | undefined {
  const definition = operatorOf(node);
  const affine = definition.channelAffine?.(node);
  if (!affine || affine.data !== 0 || affine.axis !== undefined || affine.scale.length > 1)
    return definition.eltwise?.(node, graph.opset);
  return { algorithm: 'linear', alpha: affine.scale[0]!, beta: affine.shift[0]! };
}

/** Appends an element-wise function to the convolution or matrix product whose result it takes. */
export const fuseActivations: Pass = {
  name: 'fuse-activations',
  run(graph) {
    let edits = 0;
    for (const node of sorted(graph)) {
      const eltwise = functionOf(graph, node);
      if (!eltwise) continue;
      const origin = originOf(graph, node.inputs[0]!);
      const producer = origin?.value.producer;
      if (!producer) continue;
      if (!fuses(producer) && !operatorOf(producer).linear?.multipliesActivations?.(producer)) continue;
      const result = node.outputs[0]!;
      const postOps = [...producer.postOps, ...roundingBefore(origin, result, eltwise)];
      if (repeats([...postOps, { kind: 'eltwise', ...eltwise }])) continue;
      graph.removeNode(node);
      removeConversions(graph, origin);
      producer.postOps = [...postOps, { kind: 'eltwise', ...eltwise }];
      graph.setOutput(producer, 0, result);
      ++edits;
    }
    return edits;
  },
};

/**
 * The rounding that a file asks for between a layer and its activation. Where both are rounded to the same grid, what only
 * cuts off values gives the same without it.
 */
function roundingBefore(origin: Origin, result: Value, { algorithm, alpha }: Eltwise): PostOp[] {
  if (!origin.quantizer) return [];
  const cutsOff = algorithm === 'clip' || (algorithm === 'relu' && alpha === 0);
  const [next] = result.consumers;
  const same =
    result.consumers.size === 1 &&
    operatorOf(next!).conversion === 'quantize' &&
    next!.inputs[0] === result &&
    sameType(next!.outputs[0]!, origin.quantizer.outputs[0]!);
  return cutsOff && same ? [] : roundingOf(origin);
}
