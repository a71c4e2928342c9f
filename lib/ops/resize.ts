import { Calibr8Error } from '../errors';
import type { Node, Shape } from '../graph/graph';
import type { Lowering, OperatorDefinition } from './definition';
import { Composer, type Term } from './support/composer';
import { tapsOf, type Interpolation, type ResizedAxis } from './support/interpolation';
import { dtypeOf, input, normalizeAxis, output, shapeError, shapeOf } from './support/shapes';

/** What happens to each axis: its factor, and its size where the model says it. */
interface Resizing {
  scale: number;
  size?: number;
}

const UNCHANGED: Resizing = { scale: 1 };

/** The numbers of one of the inputs scales, sizes or roi, undefined where absent or empty. */
function numbersOf(node: Node, index: number): readonly number[] | undefined {
  const numbers = node.inputs[index]?.constant?.toNumbers();
  return numbers && numbers.length > 0 ? numbers : undefined;
}

function axesOf(node: Node, rank: number): number[] {
  const axes = node.attributes.ints('axes') ?? Array.from({ length: rank }, (_, axis) => axis);
  return axes.map((axis) => normalizeAxis(node, axis, rank));
}

/** What happens to every axis, from scales or sizes, or undefined where they (or sizes they need) are not known. */
function resizingOf(node: Node, shape: Shape, opset: number): Resizing[] | undefined {
  const scalesAt = node.op === 'Upsample' || opset < 11 ? 1 : 2;
  const scales = node.attributes.floats('scales') ?? numbersOf(node, scalesAt);
  const sizes = scalesAt === 2 ? numbersOf(node, 3) : undefined;
  const given = scales ?? sizes;
  if (!given) return undefined;
  const axes = axesOf(node, shape.length);
  if (given.length !== axes.length) {
    const what = scales ? 'scales' : 'sizes';
    throw shapeError(node, `expected ${axes.length} ${what} but received [${given.join(', ')}].`);
  }
  const result = shape.map(() => UNCHANGED);
  if (scales) {
    axes.forEach((axis, i) => (result[axis] = { scale: scales[i]! }));
    return result;
  }
  if (axes.some((axis) => typeof shape[axis] !== 'number')) return undefined;
  const factors = axes.map((axis, i) => sizes![i]! / (shape[axis] as number));
  const policy = node.attributes.string('keep_aspect_ratio_policy', 'stretch');
  if (policy === 'stretch') {
    axes.forEach((axis, i) => (result[axis] = { scale: factors[i]!, size: sizes![i]! }));
    return result;
  }
  const scale = policy === 'not_larger' ? Math.min(...factors) : Math.max(...factors);
  for (const axis of axes) result[axis] = { scale, size: Math.floor((shape[axis] as number) * scale + 0.5) };
  return result;
}

function resizing(op: string): OperatorDefinition {
  return {
    op,
    anyType: true,
    parameters: [1, 2, 3],
    inputs: [1, 4],
    quantization: { kind: 'float' },
    infer(node, opset) {
      interpolationOf(node, opset); // refuses at loading
      const shape = shapeOf(node);
      const resizings = shape && resizingOf(node, shape, opset);
      const result = shape?.map((dim, axis) => {
        if (!resizings) return null;
        const { scale, size } = resizings[axis]!;
        if (size !== undefined) return size;
        if (scale === 1) return dim;
        return typeof dim === 'number' ? Math.floor(dim * scale + 1e-6) : null;
      });
      return [{ dtype: dtypeOf(node), shape: result }];
    },
    lower(node, lowering) {
      // Factors that nobody knows have left the output's shape unknown, which is reported there.
      lowering.dims(output(node));
      const how = interpolationOf(node, lowering.opset);
      const resizings = resizingOf(node, lowering.dims(input(node, 0)), lowering.opset)!;
      if (!lowerToPrimitive(node, lowering, how, resizings)) lowerByAxis(node, lowering, how, resizings);
    },
  };
}

function interpolationOf(node: Node, opset: number): Interpolation {
  const { attributes } = node;
  const old = node.op === 'Upsample' || opset < 11;
  const mode = attributes.string('mode', 'nearest').replace('bilinear', 'linear');
  if (!['nearest', 'linear', 'cubic'].includes(mode)) {
    throw new Calibr8Error(
      'UNSUPPORTED_OPERATOR',
      `${node.label}: expected mode nearest, linear or cubic but received "${mode}".`,
    );
  }
  return {
    mode,
    coordinates: attributes.string('coordinate_transformation_mode', old ? 'asymmetric' : 'half_pixel'),
    nearest: attributes.string('nearest_mode', old ? 'towards_more' : 'round_prefer_floor'),
    cubicA: attributes.float('cubic_coeff_a', -0.75),
    excludeOutside: attributes.int('exclude_outside', 0) !== 0,
    antialias: attributes.int('antialias', 0) !== 0,
  };
}

/**
 * oneDNN derives coordinates from the two sizes, with half pixels, and repeats edges: which is what ONNX means where no part
 * of an element was cut off, for linear interpolation without refinements and for repeating whole elements.
 */
function lowerToPrimitive(
  node: Node,
  lowering: Lowering,
  how: Interpolation,
  resizings: readonly Resizing[],
): boolean {
  const x = input(node, 0);
  const dims = lowering.dims(x);
  const target = lowering.dims(output(node));
  const scales = resizings.map(({ scale }) => scale);
  const whole = scales.every((scale, axis) => Math.abs(dims[axis]! * scale - target[axis]!) <= 1e-4);
  if (dims.length < 3 || dims.length > 5 || scales[0] !== 1 || scales[1] !== 1 || !whole) return false;
  if (x.dtype !== 'float32' && !x.quantization) return false;
  const repeats =
    scales.every((scale) => Number.isInteger(scale)) &&
    ((how.coordinates === 'asymmetric' && ['floor', 'towards_more'].includes(how.nearest)) ||
      (how.coordinates === 'half_pixel' && how.nearest.startsWith('round_prefer')));
  const plain = /^(pytorch_)?half_pixel$/.test(how.coordinates) && !how.antialias && !how.excludeOutside;
  // With one position left PyTorch takes the first element instead of the middle.
  const middle = how.coordinates === 'half_pixel' || target.slice(2).every((size) => size > 1);
  if (!(how.mode === 'nearest' ? repeats : how.mode === 'linear' && plain && middle)) return false;
  lowering.step({
    kernel: 'resampling',
    name: node.name,
    sources: [lowering.value(x)],
    destinations: [lowering.value(output(node))],
    params: { algorithm: { text: how.mode }, factors: { f32s: scales.slice(2) } },
  });
  return true;
}

/** Interpolates one axis after the other, each position from a table of elements and weights. */
function lowerByAxis(
  node: Node,
  lowering: Lowering,
  how: Interpolation,
  resizings: readonly Resizing[],
): void {
  const composer = new Composer(node, lowering);
  const target = lowering.dims(output(node));
  const x = composer.input(0);
  const regions = regionsOf(node, x.dims.length);
  const crops = how.coordinates === 'tf_crop_and_resize';
  const wanted = x.dims
    .map((from, axis): ResizedAxis & { axis: number } => ({
      axis,
      from,
      to: target[axis]!,
      scale: resizings[axis]!.scale,
      region: regions[axis]!,
    }))
    .filter(
      ({ scale, from, to, region }) => scale !== 1 || from !== to || (crops && region.join() !== '0,1'),
    );
  const outside = node.attributes.float('extrapolation_value', 0);
  const moves = how.mode === 'nearest' && !crops;
  const start = moves ? x : composer.cast(x, 'float32');
  const result = wanted.reduce((term: Term, axis) => {
    const { taps, indices, weights } = tapsOf(axis, how);
    if (moves) return composer.gather(term, composer.constant('int64', [axis.to], indices), axis.axis);
    const dims = term.dims.map((dim, a) => (a === axis.axis ? axis.to : dim));
    return composer.step('interpolation', [term], 'float32', dims, {
      axis: { i64: axis.axis },
      taps: { i64: taps },
      indices: { i64s: indices },
      weights: { f32s: weights },
      outside: { f64: outside },
    });
  }, start);
  composer.finish(moves ? result : composer.cast(rounded(composer, result, x), x.dtype));
}

/** Integers are made of the nearest whole numbers. */
function rounded(composer: Composer, result: Term, x: Term): Term {
  return x.dtype.includes('int') ? composer.map('round', [result]) : result;
}

/** The part of each axis that tf_crop_and_resize takes. */
function regionsOf(node: Node, rank: number): (readonly [number, number])[] {
  const regions: (readonly [number, number])[] = Array.from({ length: rank }, () => [0, 1] as const);
  const roi = node.op === 'Resize' ? numbersOf(node, 1) : undefined;
  if (!roi) return regions;
  const axes = axesOf(node, rank);
  axes.forEach((axis, i) => (regions[axis] = [roi[i]!, roi[i + axes.length]!]));
  return regions;
}

export const resize = resizing('Resize');
export const upsample = resizing('Upsample');
