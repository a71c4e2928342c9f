import type { Dim, Node, Shape } from '../graph/graph';
import type { OperatorDefinition } from './definition';
import { sourcesOf } from './conv';
import { planPostOps } from './support/post-ops';
import { floatOf, formatShape, input, output, shapeError, shapeOf } from './support/shapes';
import { readPads } from './support/spatial';

interface Geometry {
  spatial: Dim[];
  strides: readonly number[];
  dilations: readonly number[];
  padsBegin: number[];
  padsEnd: number[];
  outputPadding: readonly number[];
}

/** Sizes and pads: from pads, from auto_pad, or from output_shape, which decides about the pads. */
function geometryOf(node: Node, x: Shape, kernel: readonly number[]): Geometry {
  const { attributes } = node;
  const rank = kernel.length;
  const list = (name: string, fallback: number): readonly number[] => {
    const values = attributes.ints(name) ?? kernel.map(() => fallback);
    if (values.length !== rank)
      throw shapeError(node, `expected ${rank} numbers in ${name} but received [${values.join(', ')}].`);
    return values;
  };
  const strides = list('strides', 1);
  const dilations = list('dilations', 1);
  const outputPadding = [...list('output_padding', 0)];
  const pads = readPads(node, rank);
  const wanted = attributes.ints('output_shape')?.slice(-rank);
  const mode = attributes.string('auto_pad', 'NOTSET');
  const spatial: Dim[] = [];
  const padsBegin: number[] = [];
  const padsEnd: number[] = [];
  kernel.forEach((size, axis) => {
    const extent = dilations[axis]! * (size - 1) + 1;
    const from = x[axis + 2]!;
    const full =
      typeof from === 'number' ? strides[axis]! * (from - 1) + outputPadding[axis]! + extent : undefined;
    let [begin, end] = mode === 'VALID' ? [0, 0] : [pads[axis]!, pads[axis + rank]!];
    const same = mode.startsWith('SAME') && typeof from === 'number' ? from * strides[axis]! : undefined;
    const target = wanted?.[axis] ?? same;
    if (target !== undefined && full !== undefined) {
      const total = Math.max(full - target, 0);
      // A wanted size beyond what the data reaches is more of the padding at the end.
      outputPadding[axis]! += Math.max(target - full, 0);
      const half = Math.floor(total / 2);
      // ONNX puts the odd one at the end for SAME_UPPER only.
      [begin, end] = mode === 'SAME_UPPER' ? [half, total - half] : [total - half, half];
    }
    padsBegin.push(begin);
    padsEnd.push(end);
    spatial.push(target ?? (full === undefined ? null : full - begin - end));
  });
  return { spatial, strides, dilations, padsBegin, padsEnd, outputPadding };
}

/** The transpose of a convolution (its gradient): every element of the data adds a scaled kernel to the result. */
export const convTranspose: OperatorDefinition = {
  op: 'ConvTranspose',
  inputs: [2, 3],
  quantization: { kind: 'linear' },
  linear: {
    outputChannelAxis: () => 1,
    resultChannelAxis: () => 1,
    inputChannels: () => undefined,
    acceptsBias: true,
    family: 'convolution',
    transposed: true,
    fusesInInt8Only: true,
    // In groups the weights' axis holds the output channels of one group, each of which would need several scales.
    quantizable: (node) => node.inputs[1]?.constant !== undefined && node.attributes.int('group', 1) === 1,
  },
  infer(node) {
    const dtype = floatOf(node);
    const x = shapeOf(node, 0, 3);
    const weights = input(node, 1).dims;
    if (!x || !weights) return [{ dtype, shape: undefined }];
    const channels = x[1]!;
    if (weights.length !== x.length || (typeof channels === 'number' && channels !== weights[0])) {
      throw shapeError(
        node,
        `expected weights of ${x.length} dimensions for ${channels} channels but their shape is ${formatShape(weights)}.`,
      );
    }
    const { spatial } = geometryOf(node, x, weights.slice(2));
    return [{ dtype, shape: [x[0]!, weights[1]! * node.attributes.int('group', 1), ...spatial] }];
  },
  lower(node, lowering) {
    const x = lowering.dims(input(node, 0));
    const geometry = geometryOf(node, x, lowering.dims(input(node, 1)).slice(2));
    lowering.step({
      kernel: 'deconvolution',
      name: node.name,
      sources: sourcesOf(node, (value) => lowering.value(value)),
      destinations: [lowering.value(output(node))],
      params: {
        strides: { i64s: geometry.strides },
        dilations: { i64s: geometry.dilations },
        padsBegin: { i64s: geometry.padsBegin },
        padsEnd: { i64s: geometry.padsEnd },
        outputPadding: { i64s: geometry.outputPadding },
        groups: { i64: node.attributes.int('group', 1) },
      },
      postOps: planPostOps(node),
    });
  },
};
