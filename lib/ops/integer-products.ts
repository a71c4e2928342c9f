import type { Node } from '../graph/graph';
import type { OperatorDefinition } from './definition';
import { convolutionShape } from './conv';
import { productShape } from './matmul';
import { Composer, type Term } from './support/composer';
import { fromNumbers } from './support/elements';
import { output, shapeError } from './support/shapes';
import { resolveWindow, windowParams } from './support/spatial';

/** A zero point that broadcasts to a matrix: one number, or one a row (or column) of it. */
function zeroPointOf(composer: Composer, index: number, rank: number, alongRows: boolean): Term | undefined {
  const zero = composer.optional(index);
  if (!zero) return undefined;
  const wide = composer.cast(zero, 'int32');
  if (wide.dims.length !== 1) return wide;
  if (wide.dims[0] === 1) return composer.reshape(wide, []);
  const dims = new Array<number>(rank).fill(1);
  dims[alongRows ? rank - 2 : rank - 1] = wide.dims[0]!;
  return composer.reshape(wide, dims);
}

/** Signed weights, as the kernel wants them, and by how much they were shifted. */
function signed(composer: Composer, index: number): { term: Term; shift: number } {
  const x = composer.input(index);
  if (x.dtype === 'int8') return { term: x, shift: 0 };
  const { constant } = composer.node.inputs[index]!;
  if (constant) {
    const numbers = constant.toNumbers().map((value) => value - 128);
    return { term: composer.stored(fromNumbers('int8', constant.dims, numbers)), shift: 128 };
  }
  const shifted = composer.map('sub', [composer.cast(x, 'int32'), composer.scalar('int32', 128)]);
  return { term: composer.cast(shifted, 'int8'), shift: 128 };
}

/**
 * (A - a) x (B - b) in whole numbers: the product of the stored bytes by oneDNN, then what the zero points take away,
 * A x B - a colSums(B) - b rowSums(A) + K a b.
 */
export const matmulInteger: OperatorDefinition = {
  op: 'MatMulInteger',
  inputs: [2, 4],
  quantization: { kind: 'float' },
  anyType: true,
  infer(node) {
    checkBytes(node);
    return [{ dtype: 'int32', shape: productShape(node) }];
  },
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const a = asMatrix(composer, composer.input(0), 'row');
    const right = signed(composer, 1);
    const b = asMatrix(composer, right.term, 'column');
    const rank = Math.max(a.dims.length, b.dims.length);
    const [left, weights] = [padded(composer, a, rank), padded(composer, b, rank)];
    const dims = left.dims.map((dim, axis) => Math.max(dim, weights.dims[axis]!));
    dims[rank - 2] = left.dims[rank - 2]!;
    dims[rank - 1] = weights.dims[rank - 1]!;
    const depth = left.dims[rank - 1]!;
    let product = composer.step('integer_matmul', [left, weights], 'int32', dims);
    const zeroA = zeroPointOf(composer, 2, rank, true);
    const given = zeroPointOf(composer, 3, rank, false);
    const shift = composer.scalar('int32', right.shift);
    const zeroB = given
      ? composer.map('sub', [given, shift])
      : right.shift > 0
        ? composer.map('neg', [shift])
        : undefined;
    const sums = (x: Term, axis: number): Term => composer.reduce('sum', composer.cast(x, 'int32'), [axis]);
    const subtract = (x: Term, y: Term): Term => composer.map('sub', [x, y]);
    const times = (x: Term, y: Term): Term => composer.map('mul', [x, y]);
    if (zeroA) product = subtract(product, times(zeroA, sums(weights, rank - 2)));
    if (zeroB) product = subtract(product, times(zeroB, sums(left, rank - 1)));
    if (zeroA && zeroB) {
      const both = times(times(zeroA, zeroB), composer.scalar('int32', depth));
      product = composer.map('add', [product, both]);
    }
    composer.finish(product);
  },
};

function checkBytes(node: Node): void {
  for (const value of node.inputs.slice(0, 2)) {
    if (value?.dtype !== 'uint8' && value?.dtype !== 'int8')
      throw shapeError(node, `expected uint8 or int8 but input "${value?.name}" is ${value?.dtype}.`);
  }
}

function asMatrix(composer: Composer, x: Term, as: 'row' | 'column'): Term {
  if (x.dims.length > 1) return x;
  return composer.reshape(x, as === 'row' ? [1, x.dims[0]!] : [x.dims[0]!, 1]);
}

function padded(composer: Composer, x: Term, rank: number): Term {
  return composer.reshape(x, [...new Array<number>(rank - x.dims.length).fill(1), ...x.dims]);
}

/** A convolution of (x - zero point) and (w - zero point), computed in float32: exact up to sums of 2^24. */
export const convInteger: OperatorDefinition = {
  op: 'ConvInteger',
  inputs: [2, 4],
  quantization: { kind: 'float' },
  anyType: true,
  infer(node) {
    checkBytes(node);
    return [{ dtype: 'int32', shape: convolutionShape(node) }];
  },
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const centered = (index: number): Term => {
      const x = composer.cast(composer.input(index), 'float32');
      const zero = composer.optional(index + 2);
      if (!zero) return x;
      const real = composer.cast(zero, 'float32');
      // Weights may have a zero point for each output channel.
      const channels = real.dims.length === 1 ? [real.dims[0]!, ...x.dims.slice(1).map(() => 1)] : [];
      return composer.map('sub', [x, composer.reshape(real, channels.slice(0, x.dims.length))]);
    };
    const [x, weights] = [centered(0), centered(1)];
    const { window } = resolveWindow(node, x.dims, weights.dims.slice(2));
    const dims = lowering.dims(output(node));
    const sums = composer.step('convolution', [x, weights], 'float32', dims, {
      ...windowParams(window!),
      groups: { i64: node.attributes.int('group', 1) },
    });
    composer.finish(composer.cast(composer.map('round', [sums]), 'int32'));
  },
};
