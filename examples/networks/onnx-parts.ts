import { onnx } from 'onnx-proto';

/** A float32 constant as an initializer. ONNX keeps raw data little-endian, as the processors calibr8 runs on do. */
export function floatTensor(name: string, dims: readonly number[], values: Float32Array): onnx.ITensorProto {
  const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, dims: [...dims], dataType: onnx.TensorProto.DataType.FLOAT, rawData };
}

/** A whole number, or several, as a node's attribute. */
export function integers(name: string, value: number | readonly number[]): onnx.IAttributeProto {
  const types = onnx.AttributeProto.AttributeType;
  if (typeof value === 'number') return { name, type: types.INT, i: value };
  return { name, type: types.INTS, ints: [...value] };
}

/** A real number as a node's attribute. */
export function float(name: string, value: number): onnx.IAttributeProto {
  return { name, type: onnx.AttributeProto.AttributeType.FLOAT, f: value };
}

/** A float32 graph input or output; a dimension given by name is free. */
export function floatValue(name: string, dims: readonly (number | string)[]): onnx.IValueInfoProto {
  const dim = dims.map((size) => (typeof size === 'string' ? { dimParam: size } : { dimValue: size }));
  return { name, type: { tensorType: { elemType: onnx.TensorProto.DataType.FLOAT, shape: { dim } } } };
}

/** A whole model of opset 13 as bytes. */
export function encodeModel(graph: onnx.IGraphProto): Uint8Array {
  const model = {
    irVersion: 7,
    producerName: 'calibr8-examples',
    opsetImport: [{ domain: '', version: 13 }],
    graph,
  };
  return onnx.ModelProto.encode(model).finish();
}
