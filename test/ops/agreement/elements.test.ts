import type { DataType } from '../../../lib/graph/data-type';
import { check, fed, given, title, type Case } from './cases';

const NUMBERS: DataType[] = ['float32', 'float64', 'int32', 'int64'];
const SHAPES: [number[], number[]][] = [
  [
    [2, 3, 5],
    [2, 3, 5],
  ],
  [
    [2, 3, 5],
    [3, 1],
  ],
  [[4], [2, 1, 4]],
  [[], [3, 2]],
];

const arithmetic: Case[] = ['Add', 'Sub', 'Mul', 'Max', 'Min'].flatMap((op) =>
  NUMBERS.flatMap((dtype) => SHAPES.map(([a, b]) => ({ op, inputs: [fed(a, dtype), fed(b, dtype)] }))),
);

const division: Case[] = [
  { op: 'Div', inputs: [fed([3, 4], 'int32', -20, 20), fed([4], 'int32', 1, 5)] },
  { op: 'Div', inputs: [fed([3, 4], 'int64', -20, 20), fed([4], 'int64', 1, 5)] },
  { op: 'Div', inputs: [fed([3, 4], 'float64'), fed([4], 'float64', 1, 5)] },
  { op: 'Mod', inputs: [fed([3, 7], 'int32', -20, 20), fed([7], 'int32', 1, 5)] },
  { op: 'Mod', inputs: [fed([3, 7], 'int64', -20, 20), fed([7], 'int64', -5, -1)] },
  { op: 'Mod', inputs: [fed([3, 7]), fed([7], 'float32', 1, 5)], attributes: { fmod: 1 } },
];

const powers: Case[] = [
  { op: 'Pow', inputs: [fed([2, 3], 'float32', 0.5, 3), fed([3])] },
  { op: 'Pow', inputs: [fed([2, 3]), given([2], [], 'float32')] },
  { op: 'Pow', inputs: [fed([2, 3]), given([3], [1], 'float32')] },
  { op: 'Pow', inputs: [fed([2, 3]), fed([3], 'int64', 0, 3)] },
  { op: 'Pow', inputs: [fed([2, 3], 'int32'), fed([3], 'int32', 0, 5)] },
  { op: 'Pow', inputs: [fed([2, 3], 'int64', 0, 5), fed([3], 'float32', 0, 3)] },
];

const comparisons: Case[] = ['Equal', 'Less', 'Greater', 'LessOrEqual', 'GreaterOrEqual'].flatMap((op) =>
  NUMBERS.map((dtype) => ({
    op,
    inputs: [fed([2, 3, 5], dtype, -2, 2), fed([3, 1], dtype, -2, 2)],
    outputs: ['bool'] as const,
  })),
);

const logic: Case[] = ['And', 'Or', 'Xor'].map((op) => ({
  op,
  inputs: [fed([3, 4], 'bool'), fed([4], 'bool')],
}));

const bits: Case[] = (['uint8', 'uint32', 'uint64'] as const).flatMap((dtype) =>
  ['LEFT', 'RIGHT'].map((direction) => ({
    op: 'BitShift',
    inputs: [fed([3, 4], dtype, 0, 100), fed([4], dtype, 0, 7)],
    attributes: { direction },
  })),
);

const masks: Case[] = ['BitwiseAnd', 'BitwiseOr', 'BitwiseXor'].flatMap((op) =>
  (['uint8', 'int32', 'int64'] as const).map((dtype) => ({
    op,
    inputs: [fed([3, 4], dtype, 0, 100), fed([4], dtype, 0, 100)],
    opset: 18,
  })),
);

const unary: Case[] = [
  ...['Neg', 'Abs', 'Sign'].flatMap((op) =>
    [...NUMBERS, 'int8' as const].map((dtype) => ({ op, inputs: [fed([2, 17], dtype)] })),
  ),
  ...['Floor', 'Ceil', 'Round', 'Erf', 'Sin', 'Cos', 'Tan', 'Atan', 'Sinh', 'Cosh', 'Asinh'].map((op) => ({
    op,
    inputs: [fed([2, 67])],
  })),
  ...['Asin', 'Acos', 'Atanh'].map((op) => ({ op, inputs: [fed([2, 67], 'float32', -0.99, 0.99)] })),
  { op: 'Acosh', inputs: [fed([67], 'float32', 1, 9)] },
  { op: 'Log', inputs: [fed([3, 67], 'float32', 1e-6, 9)] },
  { op: 'Log', inputs: [given([1, 0, -1, 1e-40, 3e38, Infinity], [6], 'float32')] },
  { op: 'Reciprocal', inputs: [fed([67], 'float32', 0.1, 9)] },
  { op: 'Round', inputs: [given([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.4999], [7], 'float32')] },
  { op: 'Not', inputs: [fed([2, 7], 'bool')] },
  { op: 'BitwiseNot', inputs: [fed([2, 7], 'int32')], opset: 18 },
  { op: 'IsNaN', inputs: [given([1, NaN, Infinity], [3], 'float32')], outputs: ['bool'] },
  { op: 'IsInf', inputs: [given([1, NaN, Infinity, -Infinity], [4], 'float32')], outputs: ['bool'] },
  {
    op: 'IsInf',
    inputs: [given([1, NaN, Infinity, -Infinity], [4], 'float32')],
    attributes: { detect_negative: 0 },
    outputs: ['bool'],
  },
];

const activations: Case[] = [
  { op: 'Selu', inputs: [fed([2, 67])] },
  { op: 'Selu', inputs: [fed([2, 67])], attributes: { alpha: { float: 2 }, gamma: { float: 3 } } },
  { op: 'Celu', inputs: [fed([2, 67])], attributes: { alpha: { float: 0.5 } } },
  { op: 'ThresholdedRelu', inputs: [fed([2, 67])], attributes: { alpha: { float: 2 } } },
  { op: 'Softsign', inputs: [fed([2, 67])] },
  { op: 'Shrink', inputs: [fed([2, 67])], attributes: { lambd: { float: 1.5 }, bias: { float: 0.5 } } },
  { op: 'PRelu', inputs: [fed([2, 5, 3, 4]), fed([5, 1, 1])] },
  { op: 'PRelu', inputs: [fed([2, 5, 3, 4]), fed([1])] },
  { op: 'PRelu', inputs: [fed([2, 5]), fed([2, 5])] },
  { op: 'Clip', inputs: [fed([2, 9], 'int8', -100, 100), given([-5], [], 'int8'), given([7], [], 'int8')] },
  { op: 'Clip', inputs: [fed([2, 9], 'int64', -100, 100), given([-5], [], 'int64')] },
  { op: 'Clip', inputs: [fed([2, 9]), fed([], 'float32', -2, -1), fed([], 'float32', 1, 2)] },
  { op: 'Clip', inputs: [fed([2, 9], 'float64'), given([-1], [], 'float64')] },
  { op: 'Relu', inputs: [fed([2, 9], 'int32')] },
  { op: 'Relu', inputs: [fed([2, 9], 'float64')] },
];

const others: Case[] = [
  { op: 'Mean', inputs: [fed([2, 3]), fed([3]), fed([2, 1])] },
  { op: 'Mean', inputs: [fed([2, 3])] },
  { op: 'Sum', inputs: [fed([2, 3], 'float64'), fed([3], 'float64')] },
  ...(['float32', 'int64', 'uint8'] as const).map((dtype) => ({
    op: 'Where',
    inputs: [fed([3, 1], 'bool'), fed([2, 3, 4], dtype), fed([4], dtype)],
    outputs: [dtype],
  })),
  ...(['int32', 'int64', 'uint8', 'bool', 'float64'] as const).map((dtype, i) => ({
    op: 'Cast',
    inputs: [fed([3, 7])],
    attributes: { to: [6, 7, 2, 9, 11][i]! },
    outputs: [dtype],
  })),
  { op: 'Cast', inputs: [fed([3, 7], 'int64')], attributes: { to: 1 }, outputs: ['float32'] },
  { op: 'Cast', inputs: [fed([3, 7], 'bool')], attributes: { to: 7 }, outputs: ['int64'] },
];

test.each(
  [
    ...arithmetic,
    ...division,
    ...powers,
    ...comparisons,
    ...logic,
    ...bits,
    ...masks,
    ...unary,
    ...activations,
    ...others,
  ].map((each) => [title(each), each] as const),
)('%s', (_, each) => check(each));
