import { Calibr8Error } from '../errors';
import type { Node } from '../graph/graph';
import type { OperatorDefinition } from './definition';
import { Composer, type Term } from './support/composer';
import {
  constantInts,
  dtypeOf,
  isComputed,
  normalizeAxis,
  output,
  shapeError,
  shapeOf,
} from './support/shapes';

interface Pads {
  begin: number[];
  end: number[];
  value: number;
}

function padsOf(node: Node, rank: number, opset: number): Pads | undefined {
  const flat = opset < 11 ? node.attributes.ints('pads') : constantInts(node, 1);
  if (!flat || [2, 3].some((index) => isComputed(node, index))) return undefined;
  const axes = (constantInts(node, 3) ?? Array.from({ length: rank }, (_, axis) => axis)).map((axis) =>
    normalizeAxis(node, axis, rank),
  );
  const begin = new Array<number>(rank).fill(0);
  const end = new Array<number>(rank).fill(0);
  if (flat.length !== 2 * axes.length) {
    throw shapeError(node, `expected ${2 * axes.length} pads but received [${flat.join(', ')}].`);
  }
  axes.forEach((axis, index) => {
    begin[axis] = flat[index]!;
    end[axis] = flat[index + axes.length]!;
  });
  const value =
    opset < 11 ? node.attributes.float('value', 0) : (node.inputs[2]?.constant?.toNumbers()[0] ?? 0);
  return { begin, end, value };
}

/** The position that padding takes its element from, for a position outside of [0, size). */
const SOURCES: Readonly<Record<string, (position: number, size: number) => number>> = {
  edge: (position, size) => Math.min(Math.max(position, 0), size - 1),
  wrap: (position, size) => ((position % size) + size) % size,
  reflect(position, size) {
    const period = Math.max(1, 2 * (size - 1));
    const inside = ((position % period) + period) % period;
    return inside < size ? inside : period - inside;
  },
};

function modeOf(node: Node): string {
  const mode = node.attributes.string('mode', 'constant');
  if (mode === 'constant' || SOURCES[mode]) return mode;
  throw new Calibr8Error(
    'UNSUPPORTED_OPERATOR',
    `${node.label}: expected mode constant, reflect, edge or wrap but received "${mode}".`,
  );
}

export const pad: OperatorDefinition = {
  op: 'Pad',
  anyType: true,
  parameters: [1, 2, 3],
  inputs: [1, 4],
  quantization: { kind: 'float' },
  infer(node, opset) {
    modeOf(node); // refuses at loading
    const dtype = dtypeOf(node);
    const shape = shapeOf(node);
    const pads = shape && padsOf(node, shape.length, opset);
    const padded = (begin: number, end: number, dim: (typeof shape & object)[number]) =>
      begin === 0 && end === 0 ? dim : typeof dim === 'number' ? dim + begin + end : null;
    return [
      {
        dtype,
        shape: shape?.map((dim, a) => (pads ? padded(pads.begin[a]!, pads.end[a]!, dim) : null)),
      },
    ];
  },
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    // Pads that nobody knows have left the output's shape unknown, which is reported there.
    const target = lowering.dims(output(node));
    const x = composer.input(0);
    const pads = padsOf(node, x.dims.length, lowering.opset)!;
    const source = SOURCES[modeOf(node)];
    const atLeastZero = (size: number): number => Math.max(size, 0);
    const inner = cropped(composer, x, pads);
    const begin = pads.begin.map(atLeastZero);
    const end = pads.end.map(atLeastZero);
    if (source) return composer.finish(padByGathering(composer, inner, { begin, end }, source));
    lowering.step({
      kernel: 'pad',
      name: node.name,
      sources: [inner.id],
      destinations: [lowering.value(output(node))],
      params: {
        padsBegin: { i64s: begin },
        padsEnd: { i64s: end },
        value: { f64: target.length > 0 ? pads.value : 0 },
      },
    });
  },
};

/** What negative pads leave. */
function cropped(composer: Composer, x: Term, { begin, end }: Pads): Term {
  const starts = begin.map((size) => Math.max(-size, 0));
  return composer.slice(
    x,
    starts,
    x.dims.map((dim, axis) => dim - starts[axis]! - Math.max(-end[axis]!, 0)),
  );
}

function padByGathering(
  composer: Composer,
  x: Term,
  { begin, end }: Pick<Pads, 'begin' | 'end'>,
  source: (position: number, size: number) => number,
): Term {
  return x.dims.reduce((padded, size, axis) => {
    const [before, after] = [begin[axis]!, end[axis]!];
    if (before === 0 && after === 0) return padded;
    const positions = Array.from({ length: size + before + after }, (_, i) => source(i - before, size));
    return composer.gather(padded, composer.constant('int64', [positions.length], positions), axis);
  }, x);
}

/** Crops or pads with zeros around the center of some axes, to sizes that input 1 gives. */
export const centerCropPad: OperatorDefinition = {
  op: 'CenterCropPad',
  anyType: true,
  parameters: [1],
  inputs: [2, 2],
  quantization: { kind: 'float' },
  infer(node) {
    const shape = shapeOf(node);
    const sizes = shape && sizesOf(node, shape.length);
    return [
      {
        dtype: dtypeOf(node),
        shape: shape?.map((dim, axis) => (sizes ? (sizes.get(axis) ?? dim) : null)),
      },
    ];
  },
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const target = lowering.dims(output(node));
    const x = composer.input(0);
    const before = x.dims.map((dim, axis) => {
      const size = target[axis]!;
      return size >= dim ? Math.floor((size - dim) / 2) : -Math.floor((dim - size) / 2);
    });
    const pads = {
      begin: before,
      end: x.dims.map((dim, axis) => target[axis]! - dim - before[axis]!),
      value: 0,
    };
    const inner = cropped(composer, x, pads);
    composer.finish(
      composer.step('pad', [inner], x.dtype, target, {
        padsBegin: { i64s: pads.begin.map((size) => Math.max(size, 0)) },
        padsEnd: { i64s: pads.end.map((size) => Math.max(size, 0)) },
        value: { f64: 0 },
      }),
    );
  },
};

function sizesOf(node: Node, rank: number): Map<number, number> | undefined {
  const sizes = constantInts(node, 1);
  if (!sizes) return undefined;
  const axes = node.attributes.ints('axes') ?? Array.from({ length: rank }, (_, axis) => axis);
  return new Map(axes.map((axis, index) => [normalizeAxis(node, axis, rank), sizes[index]!]));
}
