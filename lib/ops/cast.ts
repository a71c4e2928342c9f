import { Calibr8Error } from '../errors';
import { dataTypeFromOnnx, type DataType } from '../graph/data-type';
import type { Node } from '../graph/graph';
import type { OperatorDefinition } from './definition';
import { Composer } from './support/composer';
import { fromNumbers } from './support/elements';
import { dtypeOf, input, shapeOf } from './support/shapes';

function castTarget(node: Node): DataType {
  const to = node.attributes.int('to', 0);
  const dtype = dataTypeFromOnnx(to);
  if (!dtype)
    throw new Calibr8Error(
      'UNSUPPORTED_OPERATOR',
      `${node.label}: casting to ONNX type ${to} is not supported.`,
    );
  return dtype;
}

function casting(op: string, inputs: number, target: (node: Node) => DataType): OperatorDefinition {
  return {
    op,
    inputs: [inputs, inputs],
    quantization: { kind: 'float' },
    anyType: true,
    infer: (node) => [{ dtype: target(node), shape: shapeOf(node) }],
    identity: (node) => input(node, 0).dtype !== undefined && input(node, 0).dtype === node.outputs[0]?.dtype,
    fold(node) {
      const to = target(node);
      const x = node.inputs[0]!.constant!;
      return to === 'float16' ? undefined : [fromNumbers(to, x.dims, x.toNumbers())];
    },
    lower(node, lowering) {
      const composer = new Composer(node, lowering);
      composer.finish(composer.cast(composer.input(0), target(node)));
    },
  };
}

export const cast = casting('Cast', 1, castTarget);
export const castLike = casting('CastLike', 2, (node) => dtypeOf(node, 1));
