import type { onnx } from 'onnx-proto';
import { describe } from '../errors';
import { Constant } from '../graph/constant';
import { DATA_TYPES, dataTypeFromOnnx, type DataType, type TypedArray } from '../graph/data-type';
import { invalid, present, toNumber, words } from './proto';

/** The bytes of tensors that live outside the model file, read before the graph is built. */
export type ExternalBytes = ReadonlyMap<onnx.ITensorProto, Uint8Array>;

/** `data_location` of a tensor whose bytes are in another file. */
export const EXTERNAL = 1;

/** Element types that ONNX has and calibr8 has not, by ONNX's numbers. */
const FOREIGN_TYPES = new Map<number, string>([
  [8, 'string'],
  [14, 'complex64'],
  [15, 'complex128'],
  [16, 'bfloat16'],
  [17, 'float8e4m3fn'],
  [18, 'float8e4m3fnuz'],
  [19, 'float8e5m2'],
  [20, 'float8e5m2fnuz'],
  [21, 'uint4'],
  [22, 'int4'],
  [23, 'float4e2m1'],
  [24, 'float8e8m0'],
  [25, 'uint2'],
  [26, 'int2'],
]);

/** The name of an element type that is valid ONNX but has no counterpart here; undefined where ONNX has none either. */
export function foreignTypeName(code: number): string | undefined {
  return FOREIGN_TYPES.get(code);
}

/** The tensor's dimensions, checked to be countable. */
export function readDims(tensor: onnx.ITensorProto, what: string): number[] {
  const dims = (tensor.dims ?? []).map(toNumber);
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (!dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0) || !Number.isSafeInteger(count)) {
    throw invalid(`Expected non-negative dimensions for ${what} but received ${describe(dims)}.`);
  }
  return dims;
}

/** The tensor's element type, or undefined where calibr8 has no such type. Throws where ONNX has none either. */
export function readDataType(tensor: onnx.ITensorProto, what: string): DataType | undefined {
  const code = tensor.dataType ?? 0;
  const dtype = dataTypeFromOnnx(code);
  if (dtype === undefined && foreignTypeName(code) === undefined) {
    throw invalid(`Expected an ONNX element type for ${what} but received number ${code}.`);
  }
  return dtype;
}

/** How many bytes a tensor of this type and shape takes. */
export function byteSize(dtype: DataType, dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1) * DATA_TYPES[dtype].bytes;
}

/**
 * A tensor as a constant. Raw data stays a view into the buffer that the model was decoded from; typed fields are
 * converted. `what` names the tensor in errors.
 */
export function readTensor(
  tensor: onnx.ITensorProto,
  dtype: DataType,
  what: string,
  external: ExternalBytes,
): Constant {
  const dims = readDims(tensor, what);
  if (tensor.segment) throw invalid(`${what} is stored in segments, which ONNX no longer defines.`);
  const outside = external.get(tensor);
  if (outside) return new Constant(dtype, dims, outside);
  const raw = present(tensor, 'rawData') ? tensor.rawData : undefined;
  if (raw && !(raw.byteLength === 0 && hasTypedData(tensor, dtype))) {
    const wanted = byteSize(dtype, dims);
    if (raw.byteLength !== wanted) {
      throw invalid(
        `Expected ${wanted} bytes for ${what}, which is ${dtype} of shape ${shapeText(dims)}, but its raw_data has ${raw.byteLength}. The file is damaged or was written wrongly; export the model again.`,
      );
    }
    return new Constant(dtype, dims, raw);
  }
  return Constant.from(dtype, dims, typedData(tensor, dtype, dims, what));
}

/** Dimensions for messages, shortened where there are absurdly many. */
export function shapeText(dims: readonly (number | string | null)[]): string {
  return describe(dims).replaceAll('"', '').replaceAll('null', '?');
}

type TypedField = 'floatData' | 'doubleData' | 'int64Data' | 'uint64Data' | 'int32Data';

const TYPED_FIELDS: Partial<Record<DataType, TypedField>> = {
  float32: 'floatData',
  float64: 'doubleData',
  int64: 'int64Data',
  uint32: 'uint64Data',
  uint64: 'uint64Data',
};

/** ONNX keeps every type of at most 32 bits that has no field of its own in int32_data; float16 as bit patterns. */
function typedField(dtype: DataType): TypedField {
  return TYPED_FIELDS[dtype] ?? 'int32Data';
}

function hasTypedData(tensor: onnx.ITensorProto, dtype: DataType): boolean {
  return (tensor[typedField(dtype)]?.length ?? 0) > 0;
}

function typedData(
  tensor: onnx.ITensorProto,
  dtype: DataType,
  dims: readonly number[],
  what: string,
): TypedArray {
  const field = typedField(dtype);
  const elements: readonly unknown[] = tensor[field] ?? [];
  const { bytes, array } = DATA_TYPES[dtype];
  const wanted = byteSize(dtype, dims) / bytes;
  // Counted before anything is allocated: a damaged shape must not reserve gigabytes.
  if (elements.length !== wanted) {
    const snake = field.replace('Data', '_data');
    throw invalid(
      `Expected ${wanted} elements for ${what}, which is ${dtype} of shape ${shapeText(dims)}, but it has no raw_data and ${elements.length} in ${snake}. The file is damaged or was written wrongly; export the model again.`,
    );
  }
  if (bytes === 8 && dtype !== 'float64') {
    const pairs = new Int32Array(wanted * 2);
    elements.forEach((element, index) => {
      const { low, high } = words(element);
      pairs[index * 2] = low;
      pairs[index * 2 + 1] = high;
    });
    return new array(pairs.buffer);
  }
  const numbers = new array(wanted) as Exclude<TypedArray, BigInt64Array | BigUint64Array>;
  elements.forEach((element, index) => {
    numbers[index] = toNumber(element);
  });
  return numbers;
}
