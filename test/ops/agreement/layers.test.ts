import { check, fed, given, none, title, type Case } from './cases';

const deconvolutions: Case[] = [
  { op: 'ConvTranspose', inputs: [fed([2, 3, 7]), fed([3, 4, 3])], attributes: { strides: [2] } },
  {
    op: 'ConvTranspose',
    inputs: [fed([2, 3, 5, 6]), fed([3, 4, 3, 3]), fed([4])],
    attributes: { strides: [2, 3], pads: [1, 0, 1, 2] },
  },
  {
    op: 'ConvTranspose',
    inputs: [fed([1, 4, 5, 6]), fed([4, 2, 3, 3])],
    attributes: { group: 2, strides: [2, 2], output_padding: [1, 1] },
  },
  { op: 'ConvTranspose', inputs: [fed([1, 3, 5, 6]), fed([3, 2, 2, 2])], attributes: { dilations: [2, 3] } },
  {
    op: 'ConvTranspose',
    inputs: [fed([1, 3, 5, 6]), fed([3, 2, 3, 3])],
    attributes: { strides: [2, 2], auto_pad: 'SAME_UPPER' },
  },
  {
    op: 'ConvTranspose',
    inputs: [fed([1, 3, 5, 6]), fed([3, 2, 3, 3])],
    attributes: { strides: [2, 2], auto_pad: 'SAME_LOWER' },
  },
  {
    op: 'ConvTranspose',
    inputs: [fed([1, 3, 5, 6]), fed([3, 2, 3, 3])],
    attributes: { strides: [2, 2], output_shape: [10, 12] },
  },
  // Sizes that the data does not reach: what is left is the bias.
  {
    op: 'ConvTranspose',
    inputs: [fed([1, 1, 3, 3]), fed([1, 2, 3, 3]), fed([2])],
    attributes: { strides: [3, 2], output_shape: [10, 8] },
  },
  {
    op: 'ConvTranspose',
    inputs: [fed([1, 2, 4, 3]), fed([2, 3, 2, 2])],
    attributes: { strides: [3, 2], output_shape: [12, 6], auto_pad: 'SAME_UPPER' },
  },
  {
    op: 'ConvTranspose',
    inputs: [fed([1, 2, 3, 4, 3]), fed([2, 3, 2, 3, 2])],
    attributes: { strides: [2, 1, 2] },
  },
  { op: 'Conv', inputs: [fed([1, 3, 9]), fed([5, 3, 3])], attributes: { dilations: [2] } },
  {
    op: 'Conv',
    inputs: [fed([1, 4, 5, 6, 5]), fed([6, 2, 3, 2, 3])],
    attributes: { group: 2, pads: [1, 0, 1, 0, 1, 1] },
  },
];

const pooling: Case[] = [
  { op: 'LpPool', inputs: [fed([2, 3, 9])], attributes: { kernel_shape: [3] }, opset: 18 },
  {
    op: 'LpPool',
    inputs: [fed([2, 3, 9, 8])],
    attributes: { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 1], p: 1 },
    opset: 18,
  },
  { op: 'LpPool', inputs: [fed([2, 3, 9, 8])], attributes: { kernel_shape: [3, 2], p: 3 }, opset: 18 },
  { op: 'GlobalLpPool', inputs: [fed([2, 3, 5, 4])] },
  {
    op: 'MaxPool',
    inputs: [fed([2, 3, 9, 8])],
    attributes: { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 1] },
    outputs: ['float32', 'int64'],
  },
  {
    op: 'MaxPool',
    inputs: [fed([2, 3, 9, 8])],
    attributes: { kernel_shape: [3, 2], storage_order: 1 },
    outputs: ['float32', 'int64'],
  },
  {
    op: 'MaxPool',
    inputs: [fed([1, 2, 5, 6, 5])],
    attributes: { kernel_shape: [2, 3, 2], strides: [2, 1, 1] },
    outputs: ['float32', 'int64'],
  },
  {
    op: 'MaxPool',
    inputs: [fed([2, 3, 9, 8])],
    attributes: { kernel_shape: [3, 2], dilations: [2, 3], ceil_mode: 1, strides: [2, 2] },
  },
  {
    op: 'MaxPool',
    inputs: [fed([2, 3, 9])],
    attributes: { kernel_shape: [3], auto_pad: 'SAME_LOWER', strides: [2] },
  },
  {
    op: 'AveragePool',
    inputs: [fed([2, 3, 9, 8])],
    attributes: { kernel_shape: [3, 2], dilations: [2, 2], pads: [1, 1, 1, 1] },
    opset: 19,
  },
  {
    op: 'MaxUnpool',
    inputs: [fed([1, 1, 2, 2]), given([5, 7, 13, 15], [1, 1, 2, 2])],
    attributes: { kernel_shape: [2, 2], strides: [2, 2] },
  },
];

const normalization: Case[] = [
  ...[-1, 1, 0].map((axis) => ({
    op: 'LayerNormalization',
    inputs: [fed([2, 3, 5]), fed([2, 3, 5].slice(axis)), fed([2, 3, 5].slice(axis))],
    attributes: { axis, epsilon: { float: 1e-3 } },
  })),
  { op: 'InstanceNormalization', inputs: [fed([2, 3, 5, 4]), fed([3]), fed([3])] },
  {
    op: 'GroupNormalization',
    inputs: [fed([2, 6, 5, 4]), fed([6]), fed([6])],
    attributes: { num_groups: 3 },
    opset: 21,
  },
  {
    op: 'GroupNormalization',
    inputs: [fed([2, 6, 5, 4]), fed([3]), fed([3])],
    attributes: { num_groups: 3 },
    opset: 18,
  },
  ...[1, 2].map((p) => ({ op: 'LpNormalization', inputs: [fed([2, 3, 5])], attributes: { axis: 1, p } })),
  { op: 'MeanVarianceNormalization', inputs: [fed([2, 3, 5, 4])], tolerance: 1e-4 },
  {
    op: 'MeanVarianceNormalization',
    inputs: [fed([2, 3, 5, 4])],
    attributes: { axes: [1, 2] },
    tolerance: 1e-4,
  },
  {
    op: 'BatchNormalization',
    inputs: [fed([2, 3, 4]), fed([3]), fed([3]), fed([3]), fed([3], 'float32', 0.5, 2)],
  },
  {
    op: 'BatchNormalization',
    inputs: [fed([2, 3, 4, 5]), fed([3]), fed([3]), fed([3]), fed([3], 'float32', 0.5, 2)],
    attributes: { training_mode: 1, momentum: { float: 0.7 } },
    outputs: ['float32', 'float32', 'float32'],
  },
  { op: 'LRN', inputs: [fed([2, 7, 4, 3])], attributes: { size: 3 } },
  ...['Softmax', 'LogSoftmax', 'Hardmax'].flatMap((op) => [
    { op, inputs: [fed([2, 3, 5])], attributes: { axis: 1 } },
    { op, inputs: [fed([2, 3, 5])], attributes: { axis: 1 }, opset: 11 },
    { op, inputs: [fed([2, 3, 5])] },
  ]),
];

const products: Case[] = [
  { op: 'MatMul', inputs: [fed([3, 0]), fed([0, 4])] },
  ...[
    ['ij,jk->ik', [3, 4], [4, 5]],
    ['bij,bjk->bik', [2, 3, 4], [2, 4, 5]],
    ['bhqd,bhkd->bhqk', [2, 3, 4, 5], [2, 3, 6, 5]],
    ['...ij,...jk->...ik', [2, 3, 4], [2, 4, 5]],
    ['i,j->ij', [3], [4]],
    ['ij,ij->', [3, 4], [3, 4]],
    ['bij,kj', [2, 3, 4], [5, 4]],
    ['abc,cd,->abd', [2, 3, 4], [4, 5], []],
  ].map(([equation, ...shapes]) => ({
    op: 'Einsum',
    inputs: (shapes as number[][]).map((dims) => fed(dims)),
    attributes: { equation: equation as string },
  })),
  { op: 'Einsum', inputs: [fed([3, 3])], attributes: { equation: 'ii->i' } },
  { op: 'Einsum', inputs: [fed([2, 3, 4])], attributes: { equation: 'abc->ca' } },
  {
    op: 'MatMulInteger',
    inputs: [fed([3, 70], 'uint8', 0, 255), fed([70, 5], 'int8', -128, 127)],
    outputs: ['int32'],
  },
  {
    op: 'MatMulInteger',
    inputs: [
      fed([2, 3, 70], 'uint8', 0, 255),
      fed([70, 5], 'uint8', 0, 255),
      fed([], 'uint8', 0, 255),
      fed([5], 'uint8', 0, 255),
    ],
    outputs: ['int32'],
  },
  {
    op: 'MatMulInteger',
    inputs: [
      fed([3, 4], 'uint8', 0, 255),
      given([1, 255, 3, 128, 7, 9, 0, 20], [4, 2], 'uint8'),
      given([3], [], 'uint8'),
      given([130], [], 'uint8'),
    ],
    outputs: ['int32'],
  },
  {
    op: 'ConvInteger',
    inputs: [
      fed([1, 3, 6, 7], 'uint8', 0, 255),
      fed([4, 3, 3, 3], 'uint8', 0, 255),
      given([120], [], 'uint8'),
      given([99], [], 'uint8'),
    ],
    attributes: { pads: [1, 1, 1, 1] },
    outputs: ['int32'],
  },
  { op: 'DynamicQuantizeLinear', inputs: [fed([3, 40])], outputs: ['uint8', 'float32', 'uint8'] },
  {
    op: 'DynamicQuantizeLinear',
    inputs: [fed([3, 40], 'float32', 1, 5)],
    outputs: ['uint8', 'float32', 'uint8'],
  },
  {
    op: 'QLinearMatMul',
    inputs: [
      fed([3, 8], 'uint8', 0, 255),
      given([0.02], [], 'float32'),
      given([128], [], 'uint8'),
      fed([8, 4], 'int8', -128, 127),
      given([0.01], [], 'float32'),
      given([0], [], 'int8'),
      given([0.05], [], 'float32'),
      given([100], [], 'uint8'),
    ],
    outputs: ['uint8'],
  },
  {
    op: 'QuantizeLinear',
    inputs: [fed([3, 5]), fed([], 'float32', 0.01, 0.05), given([120], [], 'uint8')],
    outputs: ['uint8'],
  },
  {
    op: 'QuantizeLinear',
    inputs: [fed([3, 5]), fed([5], 'float32', 0.0001, 0.0005), given([0, 0, 0, 0, 0], [5], 'int16')],
    outputs: ['int16'],
    opset: 21,
  },
  {
    op: 'DequantizeLinear',
    inputs: [fed([3, 6], 'int8', -128, 127), fed([3, 2], 'float32', 0.01, 0.05)],
    attributes: { axis: 1, block_size: 3 },
    outputs: ['float32'],
    opset: 21,
  },
];

const MODES = ['nearest', 'linear', 'cubic'];
const COORDINATES = ['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel'];
const resizing: Case[] = [
  ...MODES.flatMap((mode) =>
    COORDINATES.flatMap((coordinate_transformation_mode) =>
      [
        [7, 11],
        [3, 4],
        [10, 3],
      ].map((size) => ({
        op: 'Resize',
        inputs: [fed([1, 2, 5, 6]), none, none, given([1, 2, ...size])],
        attributes: { mode, coordinate_transformation_mode },
        opset: 18,
        tolerance: 1e-4,
      })),
    ),
  ),
  ...['floor', 'ceil', 'round_prefer_floor', 'round_prefer_ceil'].map((nearest_mode) => ({
    op: 'Resize',
    inputs: [fed([1, 2, 5, 6]), none, given([1, 1, 1.7, 0.6], [4], 'float32')],
    attributes: { nearest_mode, coordinate_transformation_mode: 'asymmetric' },
  })),
  ...[0, 1].map((exclude_outside) => ({
    op: 'Resize',
    inputs: [fed([1, 2, 5, 6]), none, given([1, 1, 2, 2], [4], 'float32')],
    attributes: { mode: 'cubic', exclude_outside, cubic_coeff_a: { float: -0.5 } },
    tolerance: 1e-4,
  })),
  {
    op: 'Resize',
    inputs: [
      fed([1, 2, 5, 6]),
      given([0, 0, 0.2, -0.1, 1, 1, 0.9, 1.2], [8], 'float32'),
      none,
      given([1, 2, 7, 8]),
    ],
    attributes: {
      mode: 'linear',
      coordinate_transformation_mode: 'tf_crop_and_resize',
      extrapolation_value: { float: 9 },
    },
    tolerance: 1e-4,
  },
  {
    op: 'Resize',
    inputs: [fed([1, 1, 6, 6], 'int32', -90, 90), none, none, given([1, 1, 3, 3])],
    attributes: { mode: 'nearest' },
  },
  {
    op: 'Resize',
    inputs: [fed([5, 6]), none, none, given([9, 7])],
    attributes: { mode: 'linear' },
    opset: 18,
    tolerance: 1e-4,
  },
  // Positions halfway between two elements, which rounding to float32 decides about.
  ...(
    [
      ['half_pixel', 'floor', 0.6],
      ['asymmetric', 'round_prefer_ceil', 0.8],
      ['pytorch_half_pixel', 'floor', 0.7],
    ] as const
  ).map(([coordinate_transformation_mode, nearest_mode, factor]) => ({
    op: 'Resize',
    inputs: [fed([1, 2, 5, 15]), none, given([1, 1, factor, factor], [4], 'float32')],
    attributes: { coordinate_transformation_mode, nearest_mode },
  })),
  {
    op: 'Resize',
    inputs: [fed([1, 2, 5, 6]), given([1, 1, 0.6, 1.5], [4], 'float32')],
    attributes: { mode: 'nearest' },
    opset: 10,
  },
  {
    op: 'Upsample',
    inputs: [fed([1, 2, 3, 4]), given([1, 1, 2, 3], [4], 'float32')],
    attributes: { mode: 'nearest' },
    opset: 9,
  },
  {
    op: 'Upsample',
    inputs: [fed([1, 2, 3, 4]), given([1, 1, 2, 2], [4], 'float32')],
    attributes: { mode: 'linear' },
    opset: 9,
    tolerance: 1e-4,
  },
];

test.each(
  [...deconvolutions, ...pooling, ...normalization, ...products, ...resizing].map(
    (each) => [title(each), each] as const,
  ),
)('%s', (_, each) => check(each));
