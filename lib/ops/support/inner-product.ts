import { Constant } from '../../graph/constant';
import type { Node } from '../../graph/graph';
import type { Lowering } from '../definition';
import { planPostOps } from './post-ops';
import { input, output } from './shapes';

interface InnerProduct {
  /** Plan values: x as a matrix, weights, bias or -1, then what post-ops name. */
  readonly sources: readonly number[];
  readonly destination: number;
  /** Number of rows of x. */
  readonly rows: number;
  /** Weights are [O, K] instead of [K, O]. */
  readonly transposed: boolean;
}

/**
 * Appends a fully connected layer. oneDNN's has no zero point for its data, and would compute in float32 where there is one; since
 * the weights w are constant, sum (x - z) w = sum x w - z sum w, and what the zero point takes away is a part of the bias.
 */
export function lowerInnerProduct(node: Node, lowering: Lowering, product: InnerProduct): void {
  const zero = input(node, 1).quantization ? (input(node, 0).quantization?.zeroPoint[0] ?? 0) : 0;
  if (zero === 0) return step(node, lowering, product);
  const shifts = columnSums(input(node, 1).constant!, product.transposed).map((sum) => -zero * sum);
  const x = withoutZeroPoint(node, lowering, product);
  const [, weights, , ...operands] = product.sources;
  if (output(node).dtype === 'int32')
    return accumulate(node, lowering, { ...product, sources: [x, weights!, -1] }, shifts);
  const bias = lowering.constant(`${node.name}/bias`, shiftedBias(node, shifts));
  step(node, lowering, { ...product, sources: [x, weights!, bias, ...operands] });
}

function step(node: Node, lowering: Lowering, { sources, destination, transposed }: InnerProduct): void {
  lowering.step({
    kernel: 'inner_product',
    name: node.name,
    sources,
    destinations: [destination],
    params: { transposeWeights: { i64: Number(transposed) } },
    postOps: planPostOps(node),
  });
}

/** The stored numbers of x as if they had no zero point: the same memory. */
function withoutZeroPoint(
  node: Node,
  lowering: Lowering,
  { sources, rows, transposed }: InnerProduct,
): number {
  const { dtype, quantization } = input(node, 0);
  const depth = lowering.dims(input(node, 1))[transposed ? 1 : 0]!;
  const name = `${node.name}/stored`;
  const stored = lowering.temporary(name, dtype!, [rows, depth], {
    ...quantization!,
    zeroPoint: Int32Array.of(0),
  });
  lowering.step({ kernel: 'reshape', name, sources: [sources[0]!], destinations: [stored] });
  return stored;
}

/** By the weights, since programs for other shapes ask for the same sums. */
const SUMS = new WeakMap<Constant, Int32Array>();

/** The sum of the stored weights of each output channel. */
function columnSums(weights: Constant, transposed: boolean): Int32Array {
  const known = SUMS.get(weights);
  if (known) return known;
  const [rows, columns] = weights.dims as [number, number];
  const sums = new Int32Array(transposed ? rows : columns);
  const stored = weights.array as Int8Array;
  for (let row = 0, at = 0; row < rows; ++row)
    for (let column = 0; column < columns; ++column, ++at) sums[transposed ? row : column]! += stored[at]!;
  SUMS.set(weights, sums);
  return sums;
}

/** The node's bias and the shifts together: whole numbers in units of the accumulator, unless the bias is real. */
function shiftedBias(node: Node, shifts: Int32Array): Constant {
  const given = node.inputs[2]?.constant;
  const numbers = given?.toNumbers() ?? [0];
  const biasOf = (channel: number): number => numbers[numbers.length > 1 ? channel : 0]!;
  if (given?.dtype !== 'float32') {
    const whole = Int32Array.from(shifts, (shift, channel) => biasOf(channel) + shift);
    return Constant.from('int32', [shifts.length], whole);
  }
  const dataScale = input(node, 0).quantization!.scale[0]!;
  const { scale } = input(node, 1).quantization!;
  return Constant.float32(
    [shifts.length],
    Float32Array.from(
      shifts,
      (shift, channel) => biasOf(channel) + shift * dataScale * scale[scale.length > 1 ? channel : 0]!,
    ),
  );
}

/** A result that is the accumulator itself takes no bias. */
function accumulate(node: Node, lowering: Lowering, product: InnerProduct, shifts: Int32Array): void {
  const sums = lowering.temporary(`${node.name}/sums`, 'int32', [product.rows, shifts.length]);
  step(node, lowering, { ...product, destination: sums });
  const constant = Constant.from('int32', [1, shifts.length], shifts);
  lowering.step({
    kernel: 'map',
    name: `${node.name}/shift`,
    sources: [sums, lowering.constant(`${node.name}/shifts`, constant)],
    destinations: [product.destination],
    params: { algorithm: { text: 'add' }, alpha: { f64: 0 }, beta: { f64: 0 } },
  });
}
