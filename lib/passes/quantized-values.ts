import type { Node, QuantizationParameters, Value } from '../graph/graph';
import { quantizationOf } from '../ops/quantize';
import { operatorOf } from '../ops/registry';

/** The quantized value behind a DequantizeLinear with that value's own parameters. */
export function quantized(value: Value | undefined): Value | undefined {
  const node = value?.producer;
  if (!node || operatorOf(node).conversion !== 'dequantize') return undefined;
  const source = node.inputs[0]!;
  return source.quantization && same(source.quantization, quantizationOf(node)) ? source : undefined;
}

/** The same where its parameters are per tensor, as activations need. */
export function perTensor(value: Value | undefined): Value | undefined {
  const source = quantized(value);
  return source?.quantization?.axis === -1 && source.dtype !== 'int32' ? source : undefined;
}

export function sameType(a: Value, b: Value): boolean {
  return a.dtype === b.dtype && !!a.quantization && !!b.quantization && same(a.quantization, b.quantization);
}

function same(a: QuantizationParameters, b: QuantizationParameters): boolean {
  return (
    a.scale.length === b.scale.length &&
    (a.axis === b.axis || a.scale.length === 1) &&
    a.scale.every((scale, index) => scale === b.scale[index]) &&
    a.zeroPoint.every((zero, index) => zero === b.zeroPoint[index])
  );
}

/** True where a layer of a graph that went through the execution passes multiplies integers. */
export function computesInInt8({ inputs }: Node): boolean {
  return inputs[0]?.quantization !== undefined && inputs[1]?.quantization !== undefined;
}
