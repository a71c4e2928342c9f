import { elementCount } from '../graph/data-type';
import type { Dim, Node, Shape } from '../graph/graph';
import type { Lowering, OperatorDefinition } from './definition';
import { Composer } from './support/composer';
import { lowerInnerProduct } from './support/inner-product';
import { planPostOps } from './support/post-ops';
import {
  broadcast,
  floatOf,
  formatShape,
  input,
  output,
  sameDim,
  shapeError,
  shapeOf,
} from './support/shapes';

/** The shape of the product of inputs 0 and 1. */
export function productShape(node: Node): Shape | undefined {
  const a = shapeOf(node, 0, 1);
  const b = shapeOf(node, 1, 1);
  if (!a || !b) return undefined;
  const [left, right] = [a.length === 1 ? [1, a[0]!] : a, b.length === 1 ? [b[0]!, 1] : b];
  const [k, k2] = [left[left.length - 1]!, right[right.length - 2]!];
  if (typeof k === 'number' && typeof k2 === 'number' && !sameDim(k, k2)) {
    throw shapeError(
      node,
      `expected equal inner dimensions but received ${formatShape(a)} and ${formatShape(b)}.`,
    );
  }
  const batch = broadcast(node, [left.slice(0, -2), right.slice(0, -2)])!;
  const shape: Dim[] = [...batch];
  if (a.length > 1) shape.push(left[left.length - 2]!);
  if (b.length > 1) shape.push(right[right.length - 1]!);
  return shape;
}

/** Rows without elements: zeros, which nothing is fused with. */
function sumsNothing(node: Node): boolean {
  const dims = node.inputs[0]?.dims;
  return dims !== undefined && elementCount(dims) === 0;
}

/** Numpy's matrix product. With a constant matrix on the right it is a fully connected layer over the rows of the left. */
export const matmul: OperatorDefinition = {
  op: 'MatMul',
  inputs: [2, 2],
  quantization: { kind: 'linear' },
  linear: {
    outputChannelAxis: () => 1,
    resultChannelAxis: (node) => {
      const rank = output(node).shape?.length;
      return rank && rank - 1;
    },
    inputChannels: (node) => (input(node, 0).shape?.length === 2 ? { axis: 0, groups: 1 } : undefined),
    acceptsBias: false,
    family: 'fullyConnected',
    quantizable: (node) =>
      node.inputs[1]?.constant !== undefined && input(node, 1).dims?.length === 2 && !sumsNothing(node),
    multipliesActivations: (node) =>
      node.inputs.every((value) => value?.dtype === 'float32' && !value.constant),
  },
  infer: (node) => [{ dtype: floatOf(node), shape: productShape(node) }],
  lower(node, lowering) {
    const dims = lowering.dims(output(node));
    const [a, b] = [input(node, 0), input(node, 1)];
    const aDims = lowering.dims(a);
    if (sumsNothing(node) && elementCount(dims) > 0) {
      const composer = new Composer(node, lowering);
      return composer.finish(composer.constant('float32', dims, new Float32Array(elementCount(dims))));
    }
    if (matmul.linear!.quantizable(node)) {
      const [k, n] = lowering.dims(b) as [number, number];
      const rows = aDims.slice(0, -1).reduce((x, y) => x * y, 1);
      // Several rows of several batches are one tall matrix.
      const tall = (shape: readonly number[]): number[] => [
        shape.slice(0, -1).reduce((x, y) => x * y, 1),
        shape.at(-1)!,
      ];
      const operands = node.inputs
        .slice(3)
        .map((value) =>
          value ? lowering.reshaped(lowering.value(value), tall(lowering.dims(value)), value.name) : -1,
        );
      const result = through(lowering, output(node), [rows, n], node.name);
      lowerInnerProduct(node, lowering, {
        sources: [
          lowering.reshaped(lowering.value(a), [rows, k], `${node.name}/rows`),
          lowering.value(b),
          node.inputs[2] ? lowering.value(node.inputs[2]) : -1,
          ...operands,
        ],
        destination: result.value,
        rows,
        transposed: false,
      });
      result.finish();
      return;
    }
    const bDims = lowering.dims(b);
    const rank = Math.max(aDims.length, bDims.length, 2);
    const left = aDims.length === 1 ? [1, aDims[0]!] : aDims;
    const right = bDims.length === 1 ? [bDims[0]!, 1] : bDims;
    const pad = (shape: readonly number[]): number[] => [
      ...new Array<number>(rank - shape.length).fill(1),
      ...shape,
    ];
    const full = [
      ...dims.slice(0, dims.length - (aDims.length > 1 ? 1 : 0) - (bDims.length > 1 ? 1 : 0)),
      left[left.length - 2]!,
      right[right.length - 1]!,
    ];
    const result = through(lowering, output(node), pad(full), node.name);
    lowering.step({
      kernel: 'matmul',
      name: node.name,
      sources: [
        lowering.reshaped(lowering.value(a), pad(left), `${node.name}/a`),
        lowering.reshaped(lowering.value(b), pad(right), `${node.name}/b`),
        -1,
      ],
      destinations: [result.value],
      postOps: planPostOps(node),
    });
    result.finish();
  },
};

/** A destination of other dims than the node's output, and the reshape that ends in that output. */
function through(
  lowering: Lowering,
  target: ReturnType<typeof output>,
  dims: readonly number[],
  name: string,
) {
  const value = lowering.value(target);
  if (lowering.dims(target).join() === dims.join()) return { value, finish: () => {} };
  const temporary = lowering.temporary(`${name}/product`, target.dtype!, dims, target.quantization);
  const finish = (): void =>
    lowering.step({ kernel: 'reshape', name: `${name}/shape`, sources: [temporary], destinations: [value] });
  return { value: temporary, finish };
}
