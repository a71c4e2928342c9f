import { Calibr8Error } from '../errors';
import type { Node, Shape } from '../graph/graph';
import type { OperatorDefinition } from './definition';
import { dtypeOf, input, output, shapeError, shapeOf } from './support/shapes';

/** Factors of every axis, from scales or sizes, or undefined where they are computed. */
function factorsOf(node: Node, shape: Shape, opset: number): number[] | undefined {
  const upsample = node.op === 'Upsample';
  const attribute = node.attributes.floats('scales');
  const scalesAt = upsample || opset < 11 ? 1 : 2;
  const scales = attribute ?? node.inputs[scalesAt]?.constant?.toNumbers();
  if (scales && scales.length > 0) {
    if (scales.length !== shape.length)
      throw shapeError(node, `expected ${shape.length} scales but received [${scales.join(', ')}].`);
    return [...scales];
  }
  const sizes = node.inputs[3]?.constant?.toNumbers();
  if (!sizes || shape.some((dim) => typeof dim !== 'number')) return undefined;
  return sizes.map((size, axis) => size / (shape[axis] as number));
}

function resizing(op: string): OperatorDefinition {
  return {
    op,
    inputs: [1, 4],
    quantization: { kind: 'float' },
    infer(node, opset) {
      const shape = shapeOf(node);
      const factors = shape && factorsOf(node, shape, opset);
      const result = shape?.map((dim, axis) => {
        if (!factors) return null;
        if (factors[axis] === 1) return dim;
        return typeof dim === 'number' ? Math.floor(dim * factors[axis]! + 1e-6) : null;
      });
      return [{ dtype: dtypeOf(node), shape: result }];
    },
    lower(node, lowering) {
      const x = input(node, 0);
      const dims = lowering.dims(x);
      const factors = factorsOf(node, dims, lowering.opset);
      if (factors) checkWhole(node, dims, factors);
      lowering.step({
        kernel: 'resampling',
        name: node.name,
        sources: [lowering.value(x)],
        destinations: [lowering.value(output(node))],
        params: {
          algorithm: { text: algorithmOf(node, factors, lowering.opset) },
          factors: { f32s: factors!.slice(2) },
        },
      });
    },
  };
}

/** oneDNN derives coordinates from the two sizes, which is what ONNX means only where no part of an element was cut off. */
function checkWhole(node: Node, dims: readonly number[], factors: readonly number[]): void {
  const size = dims.find(
    (dim, axis) => Math.abs(dim * factors[axis]! - Math.round(dim * factors[axis]!)) > 1e-4,
  );
  if (size === undefined) return;
  throw new Calibr8Error(
    'UNSUPPORTED_OPERATOR',
    `${node.label}: expected factors that give whole sizes, but [${factors.join(', ')}] of [${dims.join(', ')}] do not. ` +
      'Export the model with sizes instead of scales.',
  );
}

/** The addon's algorithm for the node's conventions; throws UNSUPPORTED_OPERATOR where there is none. */
function algorithmOf(
  node: Node,
  factors: readonly number[] | undefined,
  opset: number,
): 'nearest' | 'linear' {
  const { attributes } = node;
  const mode = attributes.string('mode', 'nearest');
  const coordinates = attributes.string(
    'coordinate_transformation_mode',
    opset < 11 ? 'asymmetric' : 'half_pixel',
  );
  const rounding = attributes.string('nearest_mode', opset < 11 ? 'floor' : 'round_prefer_floor');
  if (factors && factors.length >= 3 && factors[0] === 1 && factors[1] === 1) {
    const whole = factors.every((factor) => Number.isInteger(factor) && factor >= 1);
    // Upsampling by a whole factor repeats elements under either of these conventions.
    const repeats =
      (coordinates === 'asymmetric' && rounding === 'floor') ||
      (coordinates === 'half_pixel' && rounding.startsWith('round_prefer'));
    if (mode === 'nearest' && whole && repeats) return 'nearest';
    if (/^(bi)?linear$/.test(mode) && /^(pytorch_)?half_pixel$/.test(coordinates)) return 'linear';
  }
  throw new Calibr8Error(
    'UNSUPPORTED_OPERATOR',
    `${node.label}: expected nearest with whole factors, or linear with half_pixel coordinates, over spatial axes, but received ` +
      `mode "${mode}", coordinates "${coordinates}", rounding "${rounding}", factors [${factors?.join(', ') ?? 'computed'}].`,
  );
}

export const resize = resizing('Resize');
export const upsample = resizing('Upsample');
