import type { onnx } from 'onnx-proto';
import { describe } from '../errors';
import { dataTypeFromOnnx, type DataType } from '../graph/data-type';
import type { Dim, Shape } from '../graph/graph';
import { invalid, present, toNumber, unsupported } from './proto';
import { foreignTypeName } from './read-tensor';

/** What a file says about a value; shape inference may know more later. */
export interface DeclaredType {
  readonly dtype: DataType | undefined;
  readonly shape: Shape | undefined;
}

/** The declared type of a value inside the graph; what calibr8 has no word for is left unknown. */
export function readType(info: onnx.IValueInfoProto): DeclaredType {
  const tensor = info.type?.tensorType;
  return {
    dtype: dataTypeFromOnnx(tensor?.elemType ?? 0),
    shape: tensor?.shape ? readShape(tensor.shape) : undefined,
  };
}

/** The declared type of a graph input or output, which must be a tensor that can cross the boundary. */
export function readBoundaryType(info: onnx.IValueInfoProto, what: 'input' | 'output'): DeclaredType {
  const where = `The graph ${what} ${describe(info.name ?? '')}`;
  const type = info.type;
  const other = type && OTHER_TYPES.find(([field]) => type[field]);
  if (other) throw unsupported(`${where} is ${other[1]}; calibr8 takes and returns dense tensors only.`);
  const code = type?.tensorType?.elemType ?? 0;
  if (foreignTypeName(code)) {
    throw unsupported(
      `${where} is a tensor of ${foreignTypeName(code)}, which calibr8 does not run; export the model with float32 or integer ${what}s.`,
    );
  }
  const declared = readType(info);
  // Outputs without a type do occur, and what makes them tells it; nothing else tells an input's.
  if (declared.dtype === undefined && (what === 'input' || code !== 0)) {
    throw invalid(
      `Expected an ONNX element type for the graph ${what} ${describe(info.name ?? '')} but received number ${code}.`,
    );
  }
  return declared;
}

const OTHER_TYPES = [
  ['sequenceType', 'a sequence'],
  ['mapType', 'a map'],
  ['optionalType', 'an optional value'],
  ['sparseTensorType', 'a sparse tensor'],
] as const;

function readShape(shape: onnx.ITensorShapeProto): Shape {
  return (shape.dim ?? []).map(readDim);
}

function readDim(dim: onnx.TensorShapeProto.IDimension): Dim {
  if (dim.dimParam) return dim.dimParam;
  if (!present(dim, 'dimValue')) return null;
  const size = toNumber(dim.dimValue);
  // Some exporters write -1 for a size that they do not know.
  return Number.isSafeInteger(size) && size >= 0 ? size : null;
}
