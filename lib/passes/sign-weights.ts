import { Constant } from '../graph/constant';
import type { Graph, Node } from '../graph/graph';
import { sorted } from '../graph/order';
import { isTypeConversion, quantizationOf } from '../ops/quantize';
import { operatorOf } from '../ops/registry';
import type { Pass } from './pass';

/**
 * Stores the weights of quantized layers as int8 whose zero point is 0 or as near to it as the weights' range allows: what
 * counts is their distance from the zero point, and VNNI multiplies by int8 only. Files of other tools have uint8 weights too.
 */
export const signWeights: Pass = {
  name: 'sign-weights',
  run(graph) {
    let edits = 0;
    for (const node of sorted(graph)) if (isWeights(node) && sign(graph, node)) ++edits;
    return edits;
  },
};

function isWeights(node: Node): boolean {
  if (operatorOf(node).conversion !== 'dequantize' || !isTypeConversion(node)) return false;
  const stored = node.inputs[0]!;
  const result = node.outputs[0]!;
  return (
    (stored.constant?.dtype === 'uint8' || stored.constant?.dtype === 'int8') &&
    [...result.consumers].some((consumer) => operatorOf(consumer).linear && consumer.inputs[1] === result)
  );
}

function sign(graph: Graph, node: Node): boolean {
  const { constant, name } = node.inputs[0]!;
  const { scale, zeroPoint, axis } = quantizationOf(node);
  if (constant!.dtype === 'int8' && zeroPoint.every((zero) => zero === 0)) return false;
  const { dims, array, count } = constant!;
  if (count === 0) return false;
  const channels = scale.length;
  const inner = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const eachBlock = (visit: (channel: number, start: number, end: number) => void): void => {
    for (let start = 0, channel = 0; start < count; start += inner, channel = (channel + 1) % channels)
      visit(channel, start, start + inner);
  };
  const least = new Int32Array(channels).fill(255);
  const greatest = new Int32Array(channels).fill(-128);
  eachBlock((channel, start, end) => {
    for (let i = start; i < end; ++i) {
      const number = Number(array[i]);
      if (number < least[channel]!) least[channel] = number;
      if (number > greatest[channel]!) greatest[channel] = number;
    }
  });
  // The shift nearest to the zero point after which every number fits.
  const shift = zeroPoint.map((zero, c) => Math.min(Math.max(zero, greatest[c]! - 127), least[c]! + 128));
  const signed = new Int8Array(count);
  eachBlock((channel, start, end) => {
    for (let i = start; i < end; ++i) signed[i] = Number(array[i]) - shift[channel]!;
  });
  const zeros = Int8Array.from(zeroPoint, (zero, c) => zero - shift[c]!);
  const scaleDims = node.inputs[1]!.constant!.dims;
  graph.setInput(node, 0, graph.addConstant(`${name}/signed`, Constant.from('int8', dims, signed)));
  graph.setInput(node, 2, graph.addConstant(`${name}/zero`, Constant.from('int8', scaleDims, zeros)));
  return true;
}
