import { Calibr8Error } from '../errors';
import type { Node, Shape } from '../graph/graph';
import type { OperatorDefinition } from './definition';
import { constantInts, float32Of, input, normalizeAxis, output, shapeOf } from './support/shapes';

/** The axes to reduce, or undefined where they are computed. */
function axesOf(node: Node, rank: number, opset: number, inputSince: number): number[] | undefined {
  if (node.inputs[1] && !node.inputs[1].constant) return undefined;
  const given = opset < inputSince ? node.attributes.ints('axes') : constantInts(node, 1);
  const all = Array.from({ length: rank }, (_, axis) => axis);
  if (!given || given.length === 0) return node.attributes.int('noop_with_empty_axes', 0) ? [] : all;
  return given.map((axis) => normalizeAxis(node, axis, rank));
}

function reduction(op: string, algorithm: string, axesInputSince: number): OperatorDefinition {
  const reducedShape = (node: Node, shape: Shape, opset: number, keep: boolean): Shape | undefined => {
    const axes = axesOf(node, shape.length, opset, axesInputSince);
    if (!axes) return undefined;
    const kept = shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
    return keep ? kept : kept.filter((_, axis) => !axes.includes(axis));
  };
  return {
    op,
    inputs: [1, 2],
    quantization: { kind: 'float' },
    infer(node, opset) {
      const shape = shapeOf(node);
      const keep = node.attributes.int('keepdims', 1) !== 0;
      return [{ dtype: float32Of(node), shape: shape && reducedShape(node, shape, opset, keep) }];
    },
    lower(node, lowering) {
      const x = input(node, 0);
      const kept = reducedShape(node, lowering.dims(x), lowering.opset, true) as number[] | undefined;
      if (!kept) {
        throw new Calibr8Error(
          'UNSUPPORTED_OPERATOR',
          `${node.label}: expected its axes to be constant but the network computes them.`,
        );
      }
      const result = lowering.value(output(node));
      const same = kept.join() === lowering.dims(output(node)).join();
      const target = same ? result : lowering.temporary(`${node.name}/kept`, 'float32', kept);
      lowering.step({
        kernel: 'reduction',
        name: node.name,
        sources: [lowering.value(x)],
        destinations: [target],
        params: { algorithm: { text: algorithm } },
      });
      if (!same)
        lowering.step({
          kernel: 'reshape',
          name: `${node.name}/shape`,
          sources: [target],
          destinations: [result],
        });
    },
  };
}

export const reductions: readonly OperatorDefinition[] = [
  reduction('ReduceMean', 'mean', 18),
  reduction('ReduceSum', 'sum', 13),
  reduction('ReduceMax', 'max', 18),
  reduction('ReduceMin', 'min', 18),
  reduction('ReduceProd', 'mul', 18),
  reduction('ReduceL1', 'norm_l1', 18),
  reduction('ReduceL2', 'norm_l2', 18),
];
