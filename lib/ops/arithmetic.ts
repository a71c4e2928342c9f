import { DATA_TYPES, isFloat } from '../graph/data-type';
import type { Node } from '../graph/graph';
import type { Lowering, OperatorDefinition, QuantizationRule } from './definition';
import { Composer } from './support/composer';
import { channelAffine, type Affine } from './support/affine';
import { broadcastInputs, commonType, elementwise, foldElements } from './support/elementwise';
import { broadcast, input, output, realType } from './support/shapes';

interface Arithmetic {
  op: string;
  algorithm: string;
  apply(a: number, b: number): number;
  quantization?: QuantizationRule;
  /** What it does to x with a constant as the other operand, on the right or on the left. */
  affine?: Affine;
  /** Takes any number of inputs, from left to right. */
  variadic?: true;
}

/** A binary operator with numpy broadcasting: float32 and quantized numbers in oneDNN, other types in the addon's own loop. */
function arithmetic({
  op,
  algorithm,
  apply,
  quantization,
  affine,
  variadic,
}: Arithmetic): OperatorDefinition {
  return {
    op,
    inputs: variadic ? [1, Infinity] : [2, 2],
    quantization: quantization ?? { kind: 'elementwise' },
    anyType: true,
    infer: (node) => [{ dtype: commonType(node), shape: broadcastInputs(node) }],
    fold(node) {
      const dtype = commonType(node);
      return foldElements(node, dtype, (...values) =>
        values.reduce((a, b) => (isFloat(dtype) ? apply(a, b) : Math.trunc(apply(a, b)))),
      );
    },
    identity: (node) => node.inputs.length === 1,
    ...(affine && { channelAffine: (node: Node) => channelAffine(node, affine) }),
    lower(node, lowering) {
      const { dtype, quantization: stored } = output(node);
      if (dtype !== 'float32' && !stored) lowerAnyType(node, lowering, algorithm);
      else lowerFloat(node, lowering, algorithm);
    },
  };
}

function lowerAnyType(node: Node, lowering: Lowering, algorithm: string): void {
  const composer = new Composer(node, lowering);
  const terms = node.inputs.map((_, index) => composer.input(index));
  composer.finish(terms.reduce((left, right) => composer.map(algorithm, [left, right])));
}

function lowerFloat(node: Node, lowering: Lowering, algorithm: string): void {
  const dims = lowering.dims(output(node));
  const shapes = node.inputs.map((_, index) => {
    const shape = lowering.dims(input(node, index));
    return [...new Array<number>(dims.length - shape.length).fill(1), ...shape];
  });
  const values = shapes.map((shape, index) => {
    const value = input(node, index);
    return lowering.reshaped(lowering.value(value), shape, value.name);
  });
  if (values.length === 1) {
    lowering.step({
      kernel: 'reshape',
      name: node.name,
      sources: values,
      destinations: [lowering.value(output(node))],
    });
    return;
  }
  values.slice(1).reduce((left, right, index) => {
    const last = index === values.length - 2;
    const name = last ? node.name : `${node.name}/${index}`;
    const reached = broadcast(node, shapes.slice(0, index + 2)) as number[];
    const result = last ? lowering.value(output(node)) : lowering.temporary(name, 'float32', reached);
    lowering.step({
      kernel: 'binary',
      name,
      sources: [left, right],
      destinations: [result],
      params: { algorithm: { text: algorithm } },
    });
    return result;
  }, values[0]!);
}

export const add = arithmetic({
  op: 'Add',
  algorithm: 'add',
  apply: (a, b) => a + b,
  quantization: { kind: 'sum' },
  affine: { right: (c) => [1, c], left: (c) => [1, c] },
});

/** The remainder with the divisor's sign or, with fmod, the dividend's. */
const remainder = (fmod: boolean, a: number, b: number): number => {
  const rest = a % b;
  return fmod || rest === 0 || rest < 0 === b < 0 ? rest : rest + b;
};

const comparison = (
  op: string,
  algorithm: string,
  test: (a: number, b: number) => boolean,
): OperatorDefinition =>
  elementwise({ op, algorithm, operands: 2, result: 'bool', apply: (a, b) => Number(test(a!, b!)) });

const logical = (
  op: string,
  algorithm: string,
  test: (a: boolean, b: boolean) => boolean,
): OperatorDefinition =>
  elementwise({ op, algorithm, operands: 2, apply: (a, b) => Number(test(a !== 0, b !== 0)) });

const mod: OperatorDefinition = {
  ...elementwise({
    op: 'Mod',
    algorithm: (node) => (node.attributes.int('fmod', 0) ? 'fmod' : 'mod'),
    operands: 2,
  }),
  fold: (node) =>
    foldElements(node, commonType(node), (a, b) => remainder(node.attributes.int('fmod', 0) !== 0, a!, b!)),
};

/** The exponent may have another type: then both count as float32, and the result has the base's type. */
const pow: OperatorDefinition = {
  op: 'Pow',
  inputs: [2, 2],
  quantization: { kind: 'float' },
  anyType: true,
  infer: (node) => [{ dtype: realType(node), shape: broadcastInputs(node) }],
  fold: (node) => foldElements(node, input(node, 0).dtype!, (a, b) => a! ** b!),
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const [base, exponent] = [composer.input(0), composer.input(1)];
    const constant = node.inputs[1]!.constant;
    const single = constant?.count === 1 ? constant.toNumbers()[0]! : undefined;
    if (base.dtype === 'float32' && single !== undefined && constant!.dims.length <= base.dims.length) {
      composer.finish(
        single === 2 ? composer.eltwise('square', base) : composer.eltwise('pow', base, 1, single),
      );
      return;
    }
    if (base.dtype === exponent.dtype) {
      composer.finish(composer.map('pow', [base, exponent]));
      return;
    }
    const wide = DATA_TYPES[base.dtype].bytes === 8 || DATA_TYPES[exponent.dtype].bytes === 8;
    const common = isFloat(base.dtype) ? base.dtype : wide ? 'float64' : 'float32';
    const power = composer.map('pow', [composer.cast(base, common), composer.cast(exponent, common)]);
    composer.finish(composer.cast(power, base.dtype));
  },
};

/** Sum divided by the number of operands. */
const mean: OperatorDefinition = {
  op: 'Mean',
  inputs: [1, Infinity],
  quantization: { kind: 'float' },
  infer: (node) => [{ dtype: commonType(node), shape: broadcastInputs(node) }],
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const sum = node.inputs
      .map((_, index) => composer.input(index))
      .reduce((a, b) => composer.map('add', [a, b]));
    composer.finish(composer.eltwise('linear', sum, 1 / node.inputs.length));
  },
};

export const arithmeticOperators: readonly OperatorDefinition[] = [
  add,
  arithmetic({
    op: 'Sub',
    algorithm: 'sub',
    apply: (a, b) => a - b,
    affine: { right: (c) => [1, -c], left: (c) => [-1, c] },
  }),
  arithmetic({
    op: 'Mul',
    algorithm: 'mul',
    apply: (a, b) => a * b,
    affine: { right: (c) => [c, 0], left: (c) => [c, 0] },
  }),
  arithmetic({ op: 'Div', algorithm: 'div', apply: (a, b) => a / b, affine: { right: (c) => [1 / c, 0] } }),
  arithmetic({ op: 'Max', algorithm: 'max', apply: Math.max, variadic: true }),
  arithmetic({ op: 'Min', algorithm: 'min', apply: Math.min, variadic: true }),
  arithmetic({
    op: 'Sum',
    algorithm: 'add',
    apply: (a, b) => a + b,
    variadic: true,
    quantization: { kind: 'sum' },
  }),
  mean,
  mod,
  pow,
  comparison('Equal', 'eq', (a, b) => a === b),
  comparison('Less', 'lt', (a, b) => a < b),
  comparison('LessOrEqual', 'le', (a, b) => a <= b),
  comparison('Greater', 'gt', (a, b) => a > b),
  comparison('GreaterOrEqual', 'ge', (a, b) => a >= b),
  logical('And', 'and', (a, b) => a && b),
  logical('Or', 'or', (a, b) => a || b),
  logical('Xor', 'xor', (a, b) => a !== b),
  ...['And', 'Or', 'Xor'].map((name) =>
    elementwise({ op: `Bitwise${name}`, algorithm: `bitwise_${name.toLowerCase()}`, operands: 2 }),
  ),
  elementwise({
    op: 'BitShift',
    algorithm: (node) => (node.attributes.string('direction') === 'LEFT' ? 'shift_left' : 'shift_right'),
    operands: 2,
  }),
];
