import type { DataType } from '../../../lib/graph/data-type';
import { check, fed, given, none, title, type Case } from './cases';

const TYPES: DataType[] = ['float32', 'int64', 'int32', 'uint8', 'bool', 'float64'];

const anyType: Case[] = TYPES.flatMap((dtype) => [
  { op: 'Expand', inputs: [fed([3, 1], dtype), given([2, 1, 4])] },
  { op: 'Tile', inputs: [fed([2, 3], dtype), given([3, 2])] },
  { op: 'Transpose', inputs: [fed([2, 3, 4], dtype)], attributes: { perm: [2, 0, 1] } },
  { op: 'Reshape', inputs: [fed([2, 3, 4], dtype), given([0, -1])] },
  { op: 'Slice', inputs: [fed([5, 6], dtype), given([4, 1]), given([0, 6]), given([0, 1]), given([-2, 3])] },
  { op: 'Concat', inputs: [fed([2, 3], dtype), fed([2, 1], dtype)], attributes: { axis: 1 } },
  { op: 'Split', inputs: [fed([6, 2], dtype), given([1, 5])], outputs: [dtype, dtype] },
  { op: 'Gather', inputs: [fed([4, 3], dtype), given([3, -1, 0], [3, 1])], attributes: { axis: 0 } },
  {
    op: 'GatherElements',
    inputs: [fed([4, 3], dtype), given([3, -1, 0, 1, 2, 2], [2, 3])],
    attributes: { axis: 0 },
  },
  { op: 'GatherND', inputs: [fed([4, 3, 2], dtype), given([3, -1, 0, 1], [2, 2])] },
  { op: 'ScatterElements', inputs: [fed([4, 3], dtype), given([3, -2, 0], [1, 3]), fed([1, 3], dtype)] },
  { op: 'ScatterND', inputs: [fed([4, 3], dtype), given([3, 0], [2, 1]), fed([2, 3], dtype)] },
]);

const expansion: Case[] = [
  { op: 'Expand', inputs: [fed([3, 4]), given([1])] },
  { op: 'Expand', inputs: [fed([]), given([2, 3])] },
  { op: 'DepthToSpace', inputs: [fed([2, 12, 3, 2])], attributes: { blocksize: 2 } },
  { op: 'DepthToSpace', inputs: [fed([2, 12, 3, 2])], attributes: { blocksize: 2, mode: 'CRD' } },
  { op: 'SpaceToDepth', inputs: [fed([2, 3, 4, 6])], attributes: { blocksize: 2 } },
  ...[0, 1].flatMap((upper) =>
    [-1, 0, 2].map((k) => ({ op: 'Trilu', inputs: [fed([2, 4, 5]), given([k], [])], attributes: { upper } })),
  ),
  ...[-1, 0, 1].map((axis) => ({
    op: 'OneHot',
    inputs: [fed([3, 2], 'int64', -6, 6), given([5]), given([2, 7], [2], 'float32')],
    attributes: { axis },
    outputs: ['float32'] as const,
  })),
  { op: 'GatherND', inputs: [fed([2, 3, 4]), given([2, 0], [2, 1])], attributes: { batch_dims: 1 } },
  {
    op: 'Split',
    inputs: [fed([7])],
    attributes: { num_outputs: 3 },
    outputs: ['float32', 'float32', 'float32'],
    opset: 18,
  },
];

const updates: Case[] = ['add', 'mul', 'max', 'min'].flatMap((reduction) => [
  {
    op: 'ScatterElements',
    inputs: [fed([4, 3]), given([3, 3, 0, 1], [2, 2]), fed([2, 2])],
    attributes: { reduction, axis: 1 - 1 },
    opset: 18,
  },
  {
    op: 'ScatterND',
    inputs: [fed([4, 3]), given([3, 3, 0], [3, 1]), fed([3, 3])],
    attributes: { reduction },
    opset: 18,
  },
]);

const padding: Case[] = [
  ...['constant', 'edge', 'reflect'].flatMap((mode) => [
    { op: 'Pad', inputs: [fed([2, 4, 5]), given([0, 2, 1, 0, 1, 3])], attributes: { mode } },
    { op: 'Pad', inputs: [fed([4, 5], 'int32'), given([1, 0, 2, 1])], attributes: { mode } },
  ]),
  { op: 'Pad', inputs: [fed([4, 5]), given([1, -1, -2, 2]), given([7], [], 'float32')] },
  { op: 'Pad', inputs: [fed([2, 4, 5]), given([1, 2]), none, given([-1])], opset: 18 },
  { op: 'Pad', inputs: [fed([2, 4, 5]), given([0, 2, 1, 0, 1, 3])], attributes: { mode: 'wrap' }, opset: 19 },
  {
    op: 'Pad',
    inputs: [fed([2, 4, 5]), given([0, -1, 1, 0, 2, -2])],
    attributes: { mode: 'wrap' },
    opset: 19,
  },
];

const shapes: Case[] = [
  { op: 'Shape', inputs: [fed([2, 3, 4])], attributes: { start: -2 }, outputs: ['int64'] },
  { op: 'Size', inputs: [fed([2, 3, 4])], outputs: ['int64'] },
  { op: 'EyeLike', inputs: [fed([3, 4])], attributes: { k: 1 } },
  { op: 'Range', inputs: [given([1], []), given([9], []), given([3], [])] },
  {
    op: 'Range',
    inputs: [given([1], [], 'float32'), given([-2], [], 'float32'), given([-0.5], [], 'float32')],
  },
  { op: 'ConstantOfShape', inputs: [given([2, 3])], outputs: ['float32'] },
  { op: 'HannWindow', inputs: [given([7], [])], outputs: ['float32'] },
  { op: 'HammingWindow', inputs: [given([8], [])], attributes: { periodic: 0 }, outputs: ['float32'] },
  { op: 'BlackmanWindow', inputs: [given([8], [])], outputs: ['float32'] },
];

/** Conversions of constants, which are folded. */
const conversions: Case[] = [
  ...([-0.5, 0.25, 0, 3] as const).map((value) => ({
    op: 'Cast',
    inputs: [given([value], [1], 'float32')],
    attributes: { to: 9 },
    outputs: ['bool'] as const,
  })),
  { op: 'Cast', inputs: [given([-1, -300, 7], [3], 'int32')], attributes: { to: 13 }, outputs: ['uint64'] },
  {
    op: 'Cast',
    inputs: [given([-1.9, 1.9, 1e6], [3], 'float32')],
    attributes: { to: 7 },
    outputs: ['int64'],
  },
];

/** The same inputs that decide about shapes, this time fed. */
const fedParameters: Case[] = [
  { op: 'Reshape', inputs: [fed([8]), fed([3], 'int64', 2, 2)] },
  { op: 'Expand', inputs: [fed([3, 1]), fed([2], 'int64', 3, 3)] },
  { op: 'Tile', inputs: [fed([3, 1]), fed([2], 'int64', 1, 4)] },
  { op: 'ReduceSum', inputs: [fed([3, 4]), fed([1], 'int64', 0, 1)] },
  { op: 'TopK', inputs: [fed([3, 9]), fed([1], 'int64', 1, 9)], outputs: ['float32', 'int64'] },
  { op: 'Range', inputs: [fed([], 'int64', 0, 2), fed([], 'int64', 5, 9), fed([], 'int64', 1, 3)] },
  { op: 'ConstantOfShape', inputs: [fed([3], 'int64', 1, 4)], outputs: ['float32'] },
  { op: 'Unsqueeze', inputs: [fed([3, 4]), fed([1], 'int64', 0, 2)] },
  { op: 'Pad', inputs: [fed([3, 4]), fed([4], 'int64', 0, 3), fed([])] },
];

test.each(
  [...anyType, ...expansion, ...updates, ...padding, ...shapes, ...conversions, ...fedParameters].map(
    (each) => [title(each), each] as const,
  ),
)('%s', (_, each) => check(each));
