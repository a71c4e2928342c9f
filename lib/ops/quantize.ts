import { Calibr8Error } from '../errors';
import { Constant } from '../graph/constant';
import { dataTypeFromOnnx, isFloat, type DataType } from '../graph/data-type';
import type { Node, QuantizationParameters } from '../graph/graph';
import type { OperatorDefinition } from './definition';
import { forEachOffset } from './support/elements';
import { dtypeOf, floatOf, input, normalizeAxis, output, shapeError, shapeOf } from './support/shapes';

/** Scale, zero point and axis of a QuantizeLinear or DequantizeLinear; they must be constants. */
export function quantizationOf(node: Node): QuantizationParameters {
  const scale = node.inputs[1]?.constant;
  const zero = node.inputs[2]?.constant;
  if (!scale || (node.inputs[2] && !zero)) {
    throw new Calibr8Error(
      'UNSUPPORTED_OPERATOR',
      `${node.label}: expected its scale and zero point to be constants.`,
    );
  }
  if (node.attributes.int('block_size', 0) > 0 || scale.dims.length > 1) {
    throw new Calibr8Error(
      'UNSUPPORTED_OPERATOR',
      `${node.label}: blocked quantization is not supported; use per-tensor or per-channel scales.`,
    );
  }
  const scales = scale.toFloat32();
  const zeros = zero ? Int32Array.from(zero.toNumbers()) : new Int32Array(scales.length);
  if (zeros.length !== scales.length) {
    throw shapeError(
      node,
      `expected as many zero points as scales (${scales.length}) but received ${zeros.length}.`,
    );
  }
  for (const value of scales) {
    if (!(value > 0) || value === Infinity)
      throw shapeError(node, `expected positive finite scales but received ${value}.`);
  }
  const perTensor = scales.length === 1 && scale.dims.length === 0;
  const rank = input(node, 0).shape?.length;
  if (perTensor || scales.length === 1) return { scale: scales, zeroPoint: zeros, axis: -1 };
  const axis = node.attributes.int('axis', 1);
  return {
    scale: scales,
    zeroPoint: zeros,
    axis: rank === undefined ? axis : normalizeAxis(node, axis, rank),
  };
}

/**
 * True where the addon's types can say what a conversion does: constant scales, one a tensor or one a channel, of 8 bits (or of
 * a bias). Others are computed like any numbers.
 */
export function isTypeConversion(node: Node): boolean {
  const [x, scale, zero] = node.inputs;
  const stored = node.op === 'QuantizeLinear' ? storedType(node) : x?.dtype;
  const types: (DataType | undefined)[] =
    node.op === 'QuantizeLinear' ? ['uint8', 'int8'] : ['uint8', 'int8', 'int32'];
  return (
    types.includes(stored) &&
    scale?.constant?.dtype === 'float32' &&
    scale.constant.dims.length <= 1 &&
    node.attributes.int('block_size', 0) === 0 &&
    (zero === undefined || zero.constant !== undefined)
  );
}

/** The type that a QuantizeLinear makes: its zero point's, else output_dtype's, else uint8. */
function storedType(node: Node): DataType {
  const dtype = node.inputs[2]?.dtype ?? dataTypeFromOnnx(node.attributes.int('output_dtype', 0)) ?? 'uint8';
  if (!['uint8', 'int8', 'uint16', 'int16'].includes(dtype)) {
    throw new Calibr8Error(
      'UNSUPPORTED_OPERATOR',
      `${node.label}: expected uint8, int8, uint16 or int16 but its type is ${dtype}.`,
    );
  }
  return dtype;
}

const reorder: NonNullable<OperatorDefinition['lower']> = (node, lowering) =>
  lowering.step({
    kernel: 'reorder',
    name: node.name,
    sources: [lowering.value(input(node, 0))],
    destinations: [lowering.value(output(node))],
  });

/** y = saturate(round-half-to-even(x / scale) + zero point). */
export const quantizeLinear: OperatorDefinition = {
  op: 'QuantizeLinear',
  conversion: 'quantize',
  anyType: true,
  inputs: [2, 3],
  quantization: { kind: 'float' },
  infer(node) {
    floatOf(node);
    return [{ dtype: storedType(node), shape: shapeOf(node) }];
  },
  lower: reorder,
};

/** y = (x - zero point) * scale. */
export const dequantizeLinear: OperatorDefinition = {
  op: 'DequantizeLinear',
  conversion: 'dequantize',
  anyType: true,
  inputs: [2, 3],
  quantization: { kind: 'float' },
  infer(node) {
    const dtype = dtypeOf(node);
    if (isFloat(dtype) || dtype === 'bool') {
      throw new Calibr8Error(
        'UNSUPPORTED_OPERATOR',
        `${node.label}: expected integers but its input is ${dtype}.`,
      );
    }
    return [{ dtype: dtypeOf(node, 1), shape: shapeOf(node) }];
  },
  keepsConstants: () => true,
  fold: (node) =>
    isTypeConversion(node) ? [dequantize(node.inputs[0]!.constant!, quantizationOf(node))] : undefined,
  lower(node, lowering) {
    const x = input(node, 0);
    const parameters = quantizationOf(node);
    const source = x.quantization
      ? lowering.value(x)
      : x.constant
        ? lowering.constant(x.name, x.constant, parameters)
        : undefined;
    if (source === undefined) {
      throw new Calibr8Error(
        'UNSUPPORTED_OPERATOR',
        `${node.label}: its input "${x.name}" must come from a QuantizeLinear, a graph input or a constant.`,
      );
    }
    lowering.step({
      kernel: 'reorder',
      name: node.name,
      sources: [source],
      destinations: [lowering.value(output(node))],
    });
  },
};

/** A quantized constant's real values. */
export function dequantize(x: Constant, { scale, zeroPoint, axis }: QuantizationParameters): Constant {
  const data = new Float32Array(x.count);
  const strides = x.dims.map((_, a) => (a === axis ? 1 : 0));
  const { array } = x;
  forEachOffset(x.dims, strides, 0, (channel, index) => {
    data[index] = (Number(array[index]) - zeroPoint[channel]!) * scale[channel]!;
  });
  return Constant.float32(x.dims, data);
}
