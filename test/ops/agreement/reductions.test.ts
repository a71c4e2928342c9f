import { check, fed, given, title, type Case } from './cases';

const AXES = [[0], [1], [2], [0, 2], [1, 2], [-1, 0]];

const reductions: Case[] = [
  ...['Sum', 'Mean', 'Max', 'Min', 'Prod', 'L1', 'L2', 'SumSquare', 'LogSumExp'].flatMap((name) =>
    AXES.map((axes, i) => ({
      op: `Reduce${name}`,
      inputs: [fed([3, 4, 5]), given(axes)],
      attributes: { keepdims: i % 2 },
      opset: 18,
    })),
  ),
  { op: 'ReduceLogSum', inputs: [fed([3, 4, 5], 'float32', 0.1, 4), given([1])], opset: 18 },
  ...['Sum', 'Max', 'Min', 'Mean', 'Prod'].flatMap((name) =>
    (['int32', 'int64'] as const).map((dtype) => ({
      op: `Reduce${name}`,
      inputs: [fed([3, 4, 5], dtype), given([0, 2])],
      opset: 18,
    })),
  ),
  { op: 'ReduceMax', inputs: [fed([3, 4], 'int8', -100, 100), given([1])], opset: 18 },
  { op: 'ReduceSum', inputs: [fed([3, 4], 'float64')], opset: 18 },
  { op: 'ReduceSum', inputs: [fed([3, 4])], attributes: { noop_with_empty_axes: 1 }, opset: 18 },
  { op: 'ReduceMean', inputs: [fed([3, 4, 5])], attributes: { axes: [1], keepdims: 0 }, opset: 13 },
  { op: 'ReduceSum', inputs: [fed([2, 0, 3]), given([1])], opset: 18 },
];

const ranking: Case[] = [
  ...['ArgMax', 'ArgMin'].flatMap((op) =>
    [0, 1, -1].flatMap((axis) =>
      [0, 1].map((select_last_index) => ({
        op,
        inputs: [fed([3, 4, 5], 'int32', -2, 2)],
        attributes: { axis, select_last_index, keepdims: select_last_index },
        outputs: ['int64'] as const,
      })),
    ),
  ),
  { op: 'ArgMax', inputs: [fed([3, 40])], attributes: { axis: 1 }, outputs: ['int64'] },
  ...[0, 1].flatMap((largest) =>
    (['float32', 'int64'] as const).map((dtype) => ({
      op: 'TopK',
      inputs: [fed([3, 9, 4], dtype, -3, 3), given([5])],
      attributes: { axis: 1, largest },
      outputs: [dtype, 'int64'] as const,
    })),
  ),
  { op: 'TopK', inputs: [fed([3, 9]), given([9])], outputs: ['float32', 'int64'] },
];

const cumulation: Case[] = [0, 1].flatMap((exclusive) =>
  [0, 1].flatMap((reverse) =>
    (['float32', 'int32', 'int64', 'float64'] as const).map((dtype, i) => ({
      op: 'CumSum',
      inputs: [fed([3, 4, 5], dtype), given([i % 2 ? 1 : -1], [])],
      attributes: { exclusive, reverse },
    })),
  ),
);

test.each([...reductions, ...ranking, ...cumulation].map((each) => [title(each), each] as const))(
  '%s',
  (_, each) => check(each),
);
