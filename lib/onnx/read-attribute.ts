import { onnx } from 'onnx-proto';
import { describe } from '../errors';
import type { Attribute } from '../graph/attributes';
import { invalid, present, toNumber, unsupported } from './proto';
import { foreignTypeName, readDataType, readTensor, type ExternalBytes } from './read-tensor';

const { AttributeType } = onnx.AttributeProto;

/** Fields that tell the type of an attribute which does not name it, as files of IR version 1 do not. */
const FIELDS = [
  ['f', AttributeType.FLOAT],
  ['i', AttributeType.INT],
  ['s', AttributeType.STRING],
  ['t', AttributeType.TENSOR],
  ['g', AttributeType.GRAPH],
  ['floats', AttributeType.FLOATS],
  ['ints', AttributeType.INTS],
  ['strings', AttributeType.STRINGS],
  ['tensors', AttributeType.TENSORS],
  ['graphs', AttributeType.GRAPHS],
  ['sparseTensor', AttributeType.SPARSE_TENSOR],
  ['sparseTensors', AttributeType.SPARSE_TENSORS],
  ['tp', AttributeType.TYPE_PROTO],
  ['typeProtos', AttributeType.TYPE_PROTOS],
] as const;

const utf8 = new TextDecoder();

/** One attribute of the node that `owner` names. Kinds that no operator here uses keep their name for its error. */
export function readAttribute(
  attribute: onnx.IAttributeProto,
  owner: string,
  external: ExternalBytes,
): Attribute {
  const what = `attribute ${describe(attribute.name ?? '')} of ${owner}`;
  if (attribute.refAttrName) throw invalid(`${what} refers to a function's attribute outside any function.`);
  const type = typeOf(attribute);
  switch (type) {
    case AttributeType.FLOAT:
      return { kind: 'float', value: attribute.f ?? 0 };
    case AttributeType.INT:
      return { kind: 'int', value: toNumber(attribute.i ?? 0) };
    case AttributeType.STRING:
      return { kind: 'string', value: utf8.decode(attribute.s ?? new Uint8Array()) };
    case AttributeType.TENSOR:
      return readTensorAttribute(attribute.t, what, external);
    case AttributeType.FLOATS:
      return { kind: 'floats', value: attribute.floats ?? [] };
    case AttributeType.INTS:
      return { kind: 'ints', value: (attribute.ints ?? []).map(toNumber) };
    case AttributeType.STRINGS:
      return { kind: 'strings', value: (attribute.strings ?? []).map((bytes) => utf8.decode(bytes)) };
    default:
      return readForeign(type, what);
  }
}

/** Kinds that no operator here reads. */
function readForeign(type: number, what: string): Attribute {
  switch (type) {
    case AttributeType.GRAPH:
    case AttributeType.GRAPHS:
      throw unsupported(
        `${what} is a subgraph, and calibr8 runs networks without control flow. Export the model without If, Loop and Scan, for example with its conditions folded to constants.`,
      );
    case AttributeType.TENSORS:
      return { kind: 'unsupported', value: 'tensors' };
    case AttributeType.SPARSE_TENSOR:
    case AttributeType.SPARSE_TENSORS:
      return { kind: 'unsupported', value: 'sparse tensor' };
    case AttributeType.TYPE_PROTO:
    case AttributeType.TYPE_PROTOS:
      return { kind: 'unsupported', value: 'type' };
    default:
      throw invalid(`Expected a known type for ${what} but received number ${type}.`);
  }
}

function typeOf(attribute: onnx.IAttributeProto): number {
  if (attribute.type) return attribute.type;
  const field = FIELDS.find(([name]) => present(attribute, name));
  // An empty list without a type cannot be told apart; the typed getters take it as a list of any kind.
  return field ? field[1] : AttributeType.INTS;
}

function readTensorAttribute(
  tensor: onnx.ITensorProto | null | undefined,
  what: string,
  external: ExternalBytes,
): Attribute {
  if (!tensor) throw invalid(`Expected a tensor for ${what} but it is empty.`);
  const dtype = readDataType(tensor, what);
  if (!dtype) return { kind: 'unsupported', value: `${foreignTypeName(tensor.dataType ?? 0)} tensor` };
  return { kind: 'tensor', value: readTensor(tensor, dtype, what, external) };
}
