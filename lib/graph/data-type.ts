import { Calibr8Error } from '../errors';

/** Element types, by onnxruntime's names, with ONNX's numbers. */
export const DATA_TYPES = {
  float32: { onnx: 1, bytes: 4, array: Float32Array },
  uint8: { onnx: 2, bytes: 1, array: Uint8Array },
  int8: { onnx: 3, bytes: 1, array: Int8Array },
  uint16: { onnx: 4, bytes: 2, array: Uint16Array },
  int16: { onnx: 5, bytes: 2, array: Int16Array },
  int32: { onnx: 6, bytes: 4, array: Int32Array },
  int64: { onnx: 7, bytes: 8, array: BigInt64Array },
  bool: { onnx: 9, bytes: 1, array: Uint8Array },
  float16: { onnx: 10, bytes: 2, array: Uint16Array },
  float64: { onnx: 11, bytes: 8, array: Float64Array },
  uint32: { onnx: 12, bytes: 4, array: Uint32Array },
  uint64: { onnx: 13, bytes: 8, array: BigUint64Array },
} as const;

export type DataType = keyof typeof DATA_TYPES;

export type TypedArray =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigInt64Array
  | BigUint64Array;

const BY_ONNX = new Map<number, DataType>(
  Object.entries(DATA_TYPES).map(([name, { onnx }]) => [onnx, name as DataType]),
);

/** The data type with ONNX's number `code`, or undefined where calibr8 has none (strings, complex, float8 ...). */
export function dataTypeFromOnnx(code: number): DataType | undefined {
  return BY_ONNX.get(code);
}

export function isDataType(name: string): name is DataType {
  return Object.hasOwn(DATA_TYPES, name);
}

export function isFloat(type: DataType): boolean {
  return type === 'float32' || type === 'float64' || type === 'float16';
}

/** Product of dimensions; 1 for a scalar. Throws where it is not a safe integer. */
export function elementCount(dims: readonly number[]): number {
  const count = dims.reduce((a, b) => a * b, 1);
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new Calibr8Error(
      'INVALID_SHAPE',
      `Expected dimensions with a countable product but received [${dims.join(', ')}].`,
    );
  }
  return count;
}
