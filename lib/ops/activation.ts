import { isFloat } from '../graph/data-type';
import type { Node } from '../graph/graph';
import type { Eltwise, Lowering, OperatorDefinition } from './definition';
import { Composer, type Term } from './support/composer';
import { foldElements } from './support/elementwise';
import { eltwiseParams } from './support/post-ops';
import { floatOf, input, output, realType, shapeOf } from './support/shapes';

interface Activation {
  op: string;
  /** Greatest number of inputs; those beyond the first are constants that `eltwise` reads. */
  inputs?: number;
  eltwise(node: Node, opset: number): Eltwise | undefined;
  nonNegative?(node: Node, opset: number): boolean;
  channelwise?: () => boolean;
  /** The function itself, for constants. */
  apply?(x: number, node: Node): number;
  /** Lowers it on other types than float32, and where `eltwise` has no answer. */
  anyType?(node: Node, lowering: Lowering): void;
}

/** An operator that maps each element by a function that the addon knows. */
function activation({
  op,
  inputs = 1,
  eltwise,
  nonNegative,
  channelwise,
  apply,
  anyType,
}: Activation): OperatorDefinition {
  return {
    op,
    inputs: [1, inputs],
    quantization: { kind: 'float' },
    ...(anyType ? { anyType: true as const } : {}),
    infer: (node) => [{ dtype: anyType ? realType(node) : floatOf(node), shape: shapeOf(node) }],
    eltwise: (node, opset) => (isFloat(realType(node)) ? eltwise(node, opset) : undefined),
    ...(nonNegative ? { nonNegative } : {}),
    ...(channelwise ? { channelwise } : {}),
    ...(apply ? { fold: (node: Node) => foldElements(node, realType(node), (x) => apply(x!, node)) } : {}),
    lower(node, lowering) {
      const params = eltwise(node, lowering.opset);
      if (anyType && (!params || realType(node) !== 'float32')) return anyType(node, lowering);
      lowering.step({
        kernel: 'eltwise',
        name: node.name,
        sources: [lowering.value(input(node, 0))],
        destinations: [lowering.value(output(node))],
        params: eltwiseParams(params!),
      });
    },
  };
}

const plain =
  (algorithm: string, alpha = 0, beta = 0) =>
  (): Eltwise => ({ algorithm, alpha, beta });

/** Clip's bounds, attributes before opset 11 and inputs since; undefined where a bound is computed. */
function bounds(node: Node, opset: number): { min: number; max: number } | undefined {
  const least = -3.4028234663852886e38;
  if (opset < 11) return ordered(node.attributes.float('min', least), node.attributes.float('max', -least));
  const bound = (index: number, fallback: number): number | undefined => {
    const value = node.inputs[index];
    return value === undefined ? fallback : value.constant?.toNumbers()[0];
  };
  const [min, max] = [bound(1, least), bound(2, -least)];
  return min === undefined || max === undefined ? undefined : ordered(min, max);
}

/** Where min exceeds max, ONNX gives max everywhere. */
function ordered(min: number, max: number): { min: number; max: number } {
  return { min: Math.min(min, max), max };
}

export const relu = activation({
  op: 'Relu',
  eltwise: plain('relu'),
  nonNegative: () => true,
  channelwise: () => true,
  apply: (x) => Math.max(x, 0),
  anyType(node, lowering) {
    const composer = new Composer(node, lowering);
    const x = composer.input(0);
    composer.finish(composer.map('max', [x, composer.scalar(x.dtype, 0)]));
  },
});

export const clip = activation({
  op: 'Clip',
  inputs: 3,
  eltwise(node, opset) {
    const range = bounds(node, opset);
    return range && { algorithm: 'clip', alpha: range.min, beta: range.max };
  },
  nonNegative: (node, opset) => (bounds(node, opset)?.min ?? -1) >= 0,
  anyType(node, lowering) {
    const composer = new Composer(node, lowering);
    const [low, high] = [composer.optional(1), composer.optional(2)];
    let x = composer.input(0);
    if (low) x = composer.map('max', [x, low]);
    if (high) x = composer.map('min', [x, high]);
    composer.finish(x);
  },
});

/** A function of one real element that takes several steps. */
function composed(
  op: string,
  compose: (composer: Composer, x: Term, node: Node) => Term,
): OperatorDefinition {
  return {
    op,
    inputs: [1, 1],
    quantization: { kind: 'float' },
    infer: (node) => [{ dtype: floatOf(node), shape: shapeOf(node) }],
    lower(node, lowering) {
      const composer = new Composer(node, lowering);
      composer.finish(compose(composer, composer.input(0), node));
    },
  };
}

function seluConstants(node: Node): [alpha: number, gamma: number] {
  return [
    node.attributes.float('alpha', 1.6732632423543772),
    node.attributes.float('gamma', 1.0507009873554805),
  ];
}

/** x where it is not negative, else slope times x; the slope broadcasts to x. */
const prelu: OperatorDefinition = {
  op: 'PRelu',
  inputs: [2, 2],
  quantization: { kind: 'float' },
  infer: (node) => [{ dtype: floatOf(node), shape: shapeOf(node) }],
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    composer.finish(composer.map('prelu', [composer.input(0), composer.input(1)]));
  },
};

export const activations: readonly OperatorDefinition[] = [
  relu,
  clip,
  activation({
    op: 'LeakyRelu',
    eltwise: (node) => ({ algorithm: 'relu', alpha: node.attributes.float('alpha', 0.01), beta: 0 }),
    channelwise: () => true,
  }),
  activation({ op: 'Sigmoid', eltwise: plain('logistic'), nonNegative: () => true }),
  activation({ op: 'Tanh', eltwise: plain('tanh') }),
  activation({ op: 'Exp', eltwise: plain('exp'), nonNegative: () => true, apply: Math.exp }),
  activation({ op: 'Sqrt', eltwise: plain('sqrt'), nonNegative: () => true, apply: Math.sqrt }),
  activation({
    op: 'Abs',
    eltwise: plain('abs'),
    nonNegative: () => true,
    apply: Math.abs,
    anyType(node, lowering) {
      const composer = new Composer(node, lowering);
      composer.finish(composer.map('abs', [composer.input(0)]));
    },
  }),
  activation({
    op: 'Elu',
    eltwise: (node) => ({ algorithm: 'elu', alpha: node.attributes.float('alpha', 1), beta: 0 }),
  }),
  activation({ op: 'Softplus', eltwise: plain('soft_relu', 1), nonNegative: () => true }),
  activation({ op: 'HardSwish', eltwise: plain('hardswish', 1 / 6, 0.5) }),
  activation({
    op: 'HardSigmoid',
    eltwise: (node) => ({
      algorithm: 'hardsigmoid',
      alpha: node.attributes.float('alpha', 0.2),
      beta: node.attributes.float('beta', 0.5),
    }),
    nonNegative: () => true,
  }),
  activation({ op: 'Mish', eltwise: plain('mish') }),
  activation({
    op: 'Gelu',
    eltwise: (node) => ({
      algorithm: node.attributes.string('approximate', 'none') === 'tanh' ? 'gelu_tanh' : 'gelu_erf',
      alpha: 0,
      beta: 0,
    }),
  }),
  activation({
    op: 'Swish',
    eltwise: (node) => ({ algorithm: 'swish', alpha: node.attributes.float('alpha', 1), beta: 0 }),
  }),
  composed('Selu', (composer, x, node) => {
    const [alpha, gamma] = seluConstants(node);
    return composer.eltwise('linear', composer.eltwise('elu', x, alpha), gamma);
  }),
  // max(x, 0) + min(alpha (exp(x / alpha) - 1), 0) is alpha times an elu of x / alpha.
  composed('Celu', (composer, x, node) => {
    const alpha = node.attributes.float('alpha', 1);
    return composer.eltwise(
      'linear',
      composer.eltwise('elu', composer.eltwise('linear', x, 1 / alpha), 1),
      alpha,
    );
  }),
  composed('ThresholdedRelu', (composer, x, node) =>
    composer.map('thresholded_relu', [x], { alpha: node.attributes.float('alpha', 1) }),
  ),
  composed('Softsign', (composer, x) => composer.map('softsign', [x])),
  composed('Shrink', (composer, x, node) =>
    composer.map('shrink', [x], {
      alpha: node.attributes.float('lambd', 0.5),
      beta: node.attributes.float('bias', 0),
    }),
  ),
  prelu,
];
