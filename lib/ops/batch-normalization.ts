import { Calibr8Error } from '../errors';
import { Constant } from '../graph/constant';
import type { Node } from '../graph/graph';
import type { ChannelAffine, Lowering, OperatorDefinition } from './definition';
import { Composer, type Term } from './support/composer';
import { floatOf, input, output, shapeOf } from './support/shapes';

function affine(node: Node): ChannelAffine | undefined {
  const parameters = [1, 2, 3, 4].map((index) => node.inputs[index]?.constant?.toFloat32());
  const [gamma, beta, mean, variance] = parameters;
  if (!gamma || !beta || !mean || !variance) return undefined;
  const epsilon = node.attributes.float('epsilon', 1e-5);
  // Doubles, so that folding adds no rounding of its own.
  const scale = Float64Array.from(gamma, (g, c) => g / Math.sqrt(variance[c]! + epsilon));
  return { data: 0, axis: 1, scale, shift: scale.map((s, c) => beta[c]! - mean[c]! * s) };
}

/** Inference form: y = (x - mean) / sqrt(variance + epsilon) * gamma + beta along axis 1. */
export const batchNormalization: OperatorDefinition = {
  op: 'BatchNormalization',
  inputs: [5, 5],
  outputs: [1, 5],
  quantization: { kind: 'float' },
  infer(node) {
    if (
      node.attributes.int('training_mode', 0) ||
      node.outputs.slice(1).some((value) => value !== undefined)
    ) {
      throw new Calibr8Error(
        'UNSUPPORTED_OPERATOR',
        `${node.label}: training mode is not supported; export the model for inference.`,
      );
    }
    // Before opset 9 parameters could differ by position too.
    if (node.attributes.int('spatial', 1) === 0) {
      throw new Calibr8Error('UNSUPPORTED_OPERATOR', `${node.label}: spatial = 0 is not supported, only 1.`);
    }
    return [{ dtype: floatOf(node), shape: shapeOf(node, 0, 2) }];
  },
  channelAffine: affine,
  lower(node, lowering) {
    const parameters = affine(node);
    if (!parameters) return lowerComputed(node, lowering);
    const x = input(node, 0);
    const dims = lowering.dims(x);
    const perChannel = [1, parameters.scale.length, ...dims.slice(2).map(() => 1)];
    const constant = (what: string, data: Float64Array): number =>
      lowering.constant(`${node.name}/${what}`, Constant.float32(perChannel, Float32Array.from(data)));
    const scaled = lowering.temporary(`${node.name}/scaled`, 'float32', dims);
    lowering.step({
      kernel: 'binary',
      name: `${node.name}/scale`,
      sources: [lowering.value(x), constant('scale', parameters.scale)],
      destinations: [scaled],
      params: { algorithm: { text: 'mul' } },
    });
    lowering.step({
      kernel: 'binary',
      name: node.name,
      sources: [scaled, constant('shift', parameters.shift)],
      destinations: [lowering.value(output(node))],
      params: { algorithm: { text: 'add' } },
    });
  },
};

/** The same with parameters that the network computes. */
function lowerComputed(node: Node, lowering: Lowering): void {
  const composer = new Composer(node, lowering);
  const x = composer.input(0);
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((index) => {
    const values = composer.input(index);
    return composer.reshape(values, [values.dims[0]!, ...new Array<number>(x.dims.length - 2).fill(1)]);
  }) as [Term, Term, Term, Term];
  const shifted = composer.eltwise('linear', variance, 1, node.attributes.float('epsilon', 1e-5));
  const scale = composer.map('div', [gamma, composer.eltwise('sqrt', shifted)]);
  const centered = composer.map('sub', [x, mean]);
  composer.finish(composer.map('add', [composer.map('mul', [centered, scale]), beta]));
}
