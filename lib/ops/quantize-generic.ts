import { Calibr8Error } from '../errors';
import { dataTypeFromOnnx, type DataType } from '../graph/data-type';
import type { Node } from '../graph/graph';
import type { OperatorDefinition } from './definition';
import { Composer, type Term } from './support/composer';
import { dtypeOf, normalizeAxis, shapeOf } from './support/shapes';

/** Domain of the operators that passes put in for execution; no file has them. */
export const INTERNAL_DOMAIN = 'calibr8';

/** Bounds of the integer types that fit into float32. */
const RANGES: Partial<Record<DataType, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
};

/** Scales or zero points as a tensor that broadcasts to x: per tensor, along an axis, or one a block along it. */
function spread(composer: Composer, parameter: Term, x: Term): Term {
  const { node } = composer;
  const rank = x.dims.length;
  if (parameter.dims.length === 0 || (parameter.dims.length === 1 && parameter.dims[0] === 1)) {
    return composer.reshape(parameter, []);
  }
  const axis = normalizeAxis(node, node.attributes.int('axis', 1), rank);
  const block = node.attributes.int('block_size', 0);
  if (block === 0) {
    return composer.reshape(
      parameter,
      x.dims.map((dim, a) => (a === axis ? dim : 1)),
    );
  }
  // Each number is repeated for its block; the last one may be cut off.
  const { dims } = parameter;
  const inner = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const outer = dims.slice(0, axis + 1).reduce((a, b) => a * b, 1);
  const repeated = composer.view(parameter, [outer, block, inner], [inner, 0, 1]);
  const long = dims.map((dim, a) => (a === axis ? dim * block : dim));
  return composer.slice(
    composer.reshape(repeated, long),
    long.map(() => 0),
    x.dims,
  );
}

/** y = saturate(round(x / scale) + zero point) with scales that the network computes, one a block, or of 16-bit results. */
export const quantizeGeneric: OperatorDefinition = {
  op: 'QuantizeLinear',
  anyType: true,
  inputs: [2, 3],
  quantization: { kind: 'float' },
  infer: (node) => [{ dtype: storedType(node), shape: shapeOf(node) }],
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const dtype = storedType(node);
    const range = RANGES[dtype];
    if (!range) {
      throw new Calibr8Error(
        'UNSUPPORTED_OPERATOR',
        `${node.label}: expected uint8, int8, uint16 or int16 but its type is ${dtype}.`,
      );
    }
    const x = composer.cast(composer.input(0), 'float32');
    const scale = composer.cast(spread(composer, composer.input(1), x), 'float32');
    const zero = composer.optional(2);
    let levels = composer.map('round', [composer.map('div', [x, scale])]);
    if (zero) {
      levels = composer.map('add', [levels, spread(composer, composer.cast(zero, 'float32'), x)]);
    }
    const [low, high] = range;
    composer.finish(composer.cast(composer.eltwise('clip', levels, low, high), dtype));
  },
};

function storedType(node: Node): DataType {
  return node.inputs[2]?.dtype ?? dataTypeFromOnnx(node.attributes.int('output_dtype', 0)) ?? 'uint8';
}

/** y = (x - zero point) * scale, of any integers. */
export const dequantizeGeneric: OperatorDefinition = {
  op: 'DequantizeLinear',
  anyType: true,
  inputs: [2, 3],
  quantization: { kind: 'float' },
  infer: (node) => [{ dtype: dtypeOf(node, 1), shape: shapeOf(node) }],
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const stored = composer.input(0);
    const zero = composer.optional(2);
    // 32 bits do not fit into a float, their differences mostly do.
    const wide = composer.cast(stored, 'int32');
    const centered = zero
      ? composer.map('sub', [wide, composer.cast(spread(composer, zero, stored), 'int32')])
      : wide;
    const scale = composer.cast(spread(composer, composer.input(1), stored), 'float32');
    const real = composer.map('mul', [composer.cast(centered, 'float32'), scale]);
    composer.finish(composer.cast(real, dtypeOf(node, 1)));
  },
};

/** Scale and zero point of the range of x and 0, and x quantized with them. */
export const dynamicQuantizeLinear: OperatorDefinition = {
  op: 'DynamicQuantizeLinear',
  inputs: [1, 1],
  outputs: [3, 3],
  quantization: { kind: 'float' },
  infer: (node) => [
    { dtype: 'uint8', shape: shapeOf(node) },
    { dtype: 'float32', shape: [] },
    { dtype: 'uint8', shape: [] },
  ],
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const x = composer.input(0);
    const none = composer.scalar('float32', 0);
    const extreme = (algorithm: string): Term => {
      const reduced = composer.reduce(
        algorithm,
        x,
        x.dims.map((_, axis) => axis),
      );
      return composer.map(algorithm, [composer.reshape(reduced, []), none]);
    };
    const [low, high] = [extreme('min'), extreme('max')];
    const scale = composer.eltwise('linear', composer.map('sub', [high, low]), 1 / 255);
    // Of nothing but zeros any scale serves, only not 0.
    const divisor = composer.map('max', [scale, composer.scalar('float32', 1.1754943508222875e-38)]);
    const quotient = composer.map('div', [composer.map('neg', [low]), divisor]);
    const zero = composer.eltwise('clip', composer.map('round', [quotient]), 0, 255);
    const levels = composer.map('add', [composer.map('round', [composer.map('div', [x, divisor])]), zero]);
    composer.finish(composer.cast(composer.eltwise('clip', levels, 0, 255), 'uint8'), 0);
    composer.finish(scale, 1);
    composer.finish(composer.cast(zero, 'uint8'), 2);
  },
};
