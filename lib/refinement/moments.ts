import { Graph } from '../graph/graph';
import { Executor } from '../runtime/executor';
import type { ResolvedOptions } from '../runtime/options';
import { Tensor } from '../tensor';
import type { Patches } from './patches';

/** Columns up to which a plain loop is faster than a product of matrices: depthwise convolutions. */
const SMALL = 32;

/**
 * Second moments of a layer's inputs: how the errors of two weights add up in the output.
 * @param about `mean` where a bias will be corrected for what the output shifts, `zero` where a shift stays and counts; the
 * patches are then changed
 * @returns shape [groups, columns, columns], averaged over the patches
 */
export async function secondMoments(
  patches: Patches,
  about: 'mean' | 'zero',
  options: ResolvedOptions,
): Promise<Float32Array> {
  const { columns, groups, count } = patches;
  const moments = new Float32Array(groups * columns * columns);
  const executor = columns > SMALL ? new Executor(productGraph(), options) : undefined;
  try {
    for (let group = 0; group < groups; ++group) {
      const x = patches.matrix.subarray(group * count * columns, (group + 1) * count * columns);
      if (about === 'mean') center(x, columns);
      const target = moments.subarray(group * columns * columns, (group + 1) * columns * columns);
      if (executor) {
        const [product] = await executor.run({ x: new Tensor('float32', x, [count, columns]) });
        target.set(product!.data as Float32Array);
      } else smallProduct(x, columns, target);
    }
  } finally {
    await executor?.close();
  }
  for (let i = 0; i < moments.length; ++i) moments[i]! /= count;
  return moments;
}

/** result = x'x for [count, columns]. */
function smallProduct(x: Float32Array, columns: number, result: Float32Array): void {
  const sums = new Float64Array(columns * columns);
  for (let row = 0; row < x.length; row += columns)
    for (let i = 0; i < columns; ++i) {
      const value = x[row + i]!;
      for (let j = 0; j < columns; ++j) sums[i * columns + j]! += value * x[row + j]!;
    }
  result.set(sums);
}

function center(matrix: Float32Array, columns: number): void {
  const means = new Float64Array(columns);
  const count = matrix.length / columns;
  for (let i = 0; i < matrix.length; i += columns)
    for (let j = 0; j < columns; ++j) means[j]! += matrix[i + j]! / count;
  for (let i = 0; i < matrix.length; i += columns)
    for (let j = 0; j < columns; ++j) matrix[i + j]! -= means[j]!;
}

/** x'x of a matrix of any size. */
function productGraph(): Graph {
  const graph = new Graph('second moments', 13);
  const x = graph.addValue('x', { dtype: 'float32', shape: [null, null] });
  const product = graph.addValue('product', { dtype: 'float32', shape: [null, null] });
  graph.addNode({
    op: 'Gemm',
    name: 'product',
    inputs: [x, x],
    outputs: [product],
    attributes: [['transA', { kind: 'int', value: 1 }]],
  });
  graph.inputs.push(x);
  graph.outputs.push(product);
  return graph;
}
