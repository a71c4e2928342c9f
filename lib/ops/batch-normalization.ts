import { Calibr8Error } from '../errors';
import { Constant } from '../graph/constant';
import { elementCount } from '../graph/data-type';
import type { Node } from '../graph/graph';
import type { ChannelAffine, Lowering, OperatorDefinition } from './definition';
import { Composer, type Term } from './support/composer';
import { floatOf, input, output, shapeOf } from './support/shapes';

function affine(node: Node): ChannelAffine | undefined {
  if (trains(node)) return undefined;
  const parameters = [1, 2, 3, 4].map((index) => node.inputs[index]?.constant?.toFloat32());
  const [gamma, beta, mean, variance] = parameters;
  if (!gamma || !beta || !mean || !variance) return undefined;
  const epsilon = node.attributes.float('epsilon', 1e-5);
  // Doubles, so that folding adds no rounding of its own.
  const scale = Float64Array.from(gamma, (g, c) => g / Math.sqrt(variance[c]! + epsilon));
  return { data: 0, axis: 1, scale, shift: scale.map((s, c) => beta[c]! - mean[c]! * s) };
}

function trains(node: Node): boolean {
  return node.attributes.int('training_mode', 0) !== 0;
}

/**
 * y = (x - mean) / sqrt(variance + epsilon) * gamma + beta along axis 1, with a mean and a variance that are inputs or, in training
 * mode, those of x itself.
 */
export const batchNormalization: OperatorDefinition = {
  op: 'BatchNormalization',
  inputs: [5, 5],
  outputs: [1, 5],
  quantization: { kind: 'float' },
  infer(node) {
    if (!trains(node) && node.outputs.slice(1).some((value) => value !== undefined)) {
      throw new Calibr8Error(
        'UNSUPPORTED_OPERATOR',
        `${node.label}: expected one output without training_mode but it has ${node.outputs.length}; export the model for inference.`,
      );
    }
    // Before opset 9 parameters could differ by position too.
    if (node.attributes.int('spatial', 1) === 0) {
      throw new Calibr8Error('UNSUPPORTED_OPERATOR', `${node.label}: spatial = 0 is not supported, only 1.`);
    }
    const dtype = floatOf(node);
    const running = { dtype, shape: shapeOf(node, 3, 1) };
    return [{ dtype, shape: shapeOf(node, 0, 2) }, running, running];
  },
  channelAffine: affine,
  lower(node, lowering) {
    if (trains(node)) return lowerTraining(node, lowering);
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
  const [mean, variance] = [3, 4].map((index) => alongChannels(composer, index, x)) as [Term, Term];
  composer.finish(normalized(composer, composer.map('sub', [x, mean]), variance));
}

/** Statistics of x itself; what is handed on for inference moves from the given ones towards them. */
function lowerTraining(node: Node, lowering: Lowering): void {
  const composer = new Composer(node, lowering);
  const x = composer.input(0);
  const axes = x.dims.map((_, axis) => axis).filter((axis) => axis !== 1);
  const mean = composer.reduce('mean', x, axes);
  const centered = composer.map('sub', [x, mean]);
  const variance = composer.reduce('mean', composer.eltwise('square', centered), axes);
  composer.finish(normalized(composer, centered, variance));
  const momentum = node.attributes.float('momentum', 0.9);
  [mean, variance].forEach((own, index) => {
    if (!node.outputs[index + 1]) return;
    const kept = composer.eltwise('linear', alongChannels(composer, index + 3, x), momentum);
    const moved = composer.map('add', [kept, composer.eltwise('linear', own, 1 - momentum)]);
    composer.finish(composer.reshape(moved, [elementCount(moved.dims)]), index + 1);
  });
}

function normalized(composer: Composer, centered: Term, variance: Term): Term {
  const epsilon = composer.node.attributes.float('epsilon', 1e-5);
  const [gamma, beta] = [1, 2].map((index) => alongChannels(composer, index, centered)) as [Term, Term];
  const deviation = composer.eltwise('sqrt', composer.eltwise('linear', variance, 1, epsilon));
  const scale = composer.map('div', [gamma, deviation]);
  return composer.map('add', [composer.map('mul', [centered, scale]), beta]);
}

/** A parameter of each channel, laid so that it broadcasts to x. */
function alongChannels(composer: Composer, index: number, x: Term): Term {
  const values = composer.input(index);
  return composer.reshape(values, [1, values.dims[0]!, ...x.dims.slice(2).map(() => 1)]);
}
