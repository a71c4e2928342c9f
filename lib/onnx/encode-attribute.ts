import { onnx } from 'onnx-proto';
import { describe } from '../errors';
import type { Attribute } from '../graph/attributes';
import type { Constant } from '../graph/constant';
import { toInt64, unsupported } from './proto';

const { AttributeType } = onnx.AttributeProto;
const utf8 = new TextEncoder();

/** One attribute of the node that `owner` names, for protobufjs. */
export function encodeAttribute(
  name: string,
  attribute: Attribute,
  owner: string,
  tensor: (constant: Constant) => onnx.ITensorProto,
): onnx.IAttributeProto {
  switch (attribute.kind) {
    case 'int':
      return { name, type: AttributeType.INT, i: toInt64(attribute.value) };
    case 'ints':
      return { name, type: AttributeType.INTS, ints: attribute.value.map(toInt64) };
    case 'float':
      return { name, type: AttributeType.FLOAT, f: attribute.value };
    case 'floats':
      return { name, type: AttributeType.FLOATS, floats: [...attribute.value] };
    case 'string':
      return { name, type: AttributeType.STRING, s: utf8.encode(attribute.value) };
    case 'strings':
      return { name, type: AttributeType.STRINGS, strings: attribute.value.map((text) => utf8.encode(text)) };
    case 'tensor':
      return { name, type: AttributeType.TENSOR, t: tensor(attribute.value) };
    case 'unsupported':
      throw unsupported(
        `Cannot write attribute ${describe(name)} of ${owner}: it is a ${attribute.value}, which calibr8 does not keep.`,
      );
  }
}
