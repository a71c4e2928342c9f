import type { Node } from '../graph/graph';
import type { OperatorDefinition } from './definition';
import { elementwise } from './support/elementwise';

/** Rounds half to even. */
function roundHalfEven(x: number): number {
  const near = Math.round(x);
  return near - x === 0.5 && near % 2 !== 0 ? near - 1 : near;
}

const unary = (op: string, algorithm: string, apply?: (x: number) => number): OperatorDefinition =>
  elementwise({ op, algorithm, operands: 1, ...(apply ? { apply } : {}) });

/** Functions of one element that no layer before them takes in, on every type that suits them. */
export const unaryOperators: readonly OperatorDefinition[] = [
  unary('Neg', 'neg', (x) => -x),
  unary('Sign', 'sign', Math.sign),
  unary('Floor', 'floor', Math.floor),
  unary('Ceil', 'ceil', Math.ceil),
  unary('Round', 'round', roundHalfEven),
  unary('Reciprocal', 'reciprocal', (x) => 1 / x),
  unary('Log', 'log', Math.log),
  unary('Sin', 'sin', Math.sin),
  unary('Cos', 'cos', Math.cos),
  unary('Tan', 'tan', Math.tan),
  unary('Asin', 'asin', Math.asin),
  unary('Acos', 'acos', Math.acos),
  unary('Atan', 'atan', Math.atan),
  unary('Sinh', 'sinh', Math.sinh),
  unary('Cosh', 'cosh', Math.cosh),
  unary('Asinh', 'asinh', Math.asinh),
  unary('Acosh', 'acosh', Math.acosh),
  unary('Atanh', 'atanh', Math.atanh),
  unary('Erf', 'erf'),
  unary('Not', 'not', (x) => Number(x === 0)),
  unary('BitwiseNot', 'bitwise_not'),
  elementwise({ op: 'IsNaN', algorithm: 'is_nan', operands: 1, result: 'bool' }),
  elementwise({
    op: 'IsInf',
    algorithm: 'is_inf',
    operands: 1,
    result: 'bool',
    numbers: (node: Node) => ({
      alpha: node.attributes.int('detect_negative', 1),
      beta: node.attributes.int('detect_positive', 1),
    }),
  }),
];
