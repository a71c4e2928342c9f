import { Constant } from '../graph/constant';
import type { Node } from '../graph/graph';
import type { Eltwise, OperatorDefinition } from './definition';
import { eltwiseParams } from './support/post-ops';
import { float32Of, input, output, shapeOf } from './support/shapes';
import { Calibr8Error } from '../errors';

interface Activation {
  op: string;
  /** Greatest number of inputs; those beyond the first are constants that `eltwise` reads. */
  inputs?: number;
  eltwise(node: Node, opset: number): Eltwise | undefined;
  nonNegative?(node: Node, opset: number): boolean;
  /** The function itself, for constants. */
  apply?(x: number, node: Node): number;
}

/** An operator that maps each element by a function that the addon knows. */
function activation({ op, inputs = 1, eltwise, nonNegative, apply }: Activation): OperatorDefinition {
  return {
    op,
    inputs: [1, inputs],
    quantization: { kind: 'float' },
    infer: (node) => [{ dtype: float32Of(node), shape: shapeOf(node) }],
    eltwise,
    ...(nonNegative ? { nonNegative } : {}),
    ...(apply
      ? {
          fold(node: Node) {
            const x = node.inputs[0]!.constant!;
            return [
              Constant.float32(
                x.dims,
                x.toFloat32().map((element) => apply(element, node)),
              ),
            ];
          },
        }
      : {}),
    lower(node, lowering) {
      const params = eltwise(node, lowering.opset);
      if (!params) {
        throw new Calibr8Error(
          'UNSUPPORTED_OPERATOR',
          `${node.label}: its parameters must be constants that one element-wise function can express.`,
        );
      }
      lowering.step({
        kernel: 'eltwise',
        name: node.name,
        sources: [lowering.value(input(node, 0))],
        destinations: [lowering.value(output(node))],
        params: eltwiseParams(params),
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
  apply: (x) => Math.max(x, 0),
});

export const clip = activation({
  op: 'Clip',
  inputs: 3,
  eltwise(node, opset) {
    const range = bounds(node, opset);
    return range && { algorithm: 'clip', alpha: range.min, beta: range.max };
  },
  nonNegative: (node, opset) => (bounds(node, opset)?.min ?? -1) >= 0,
});

export const activations: readonly OperatorDefinition[] = [
  relu,
  clip,
  activation({
    op: 'LeakyRelu',
    eltwise: (node) => ({ algorithm: 'relu', alpha: node.attributes.float('alpha', 0.01), beta: 0 }),
  }),
  activation({ op: 'Sigmoid', eltwise: plain('logistic'), nonNegative: () => true }),
  activation({ op: 'Tanh', eltwise: plain('tanh') }),
  activation({ op: 'Exp', eltwise: plain('exp'), nonNegative: () => true, apply: Math.exp }),
  activation({ op: 'Log', eltwise: plain('log'), apply: Math.log }),
  activation({ op: 'Sqrt', eltwise: plain('sqrt'), nonNegative: () => true, apply: Math.sqrt }),
  activation({ op: 'Abs', eltwise: plain('abs'), nonNegative: () => true, apply: Math.abs }),
  activation({ op: 'Neg', eltwise: plain('linear', -1), apply: (x) => -x }),
  activation({ op: 'Reciprocal', eltwise: plain('pow', 1, -1), apply: (x) => 1 / x }),
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
];
