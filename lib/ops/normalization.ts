import type { Node } from '../graph/graph';
import type { OperatorDefinition } from './definition';
import { Composer, type Term } from './support/composer';
import { floatOf, normalizeAxis, shapeError, shapeOf } from './support/shapes';

const float = { kind: 'float' } as const;

/** (x - mean) / sqrt(variance + epsilon) over all axes from `axis` on; not centered, by the root mean square alone. */
function normalized(composer: Composer, x: Term, axis: number, epsilon: number, centered = true): Term {
  if (x.dims.includes(0)) return x;
  return composer.step('normalization', [x], 'float32', x.dims, {
    axis: { i64: axis },
    centered: { i64: centered ? 1 : 0 },
    epsilon: { f64: epsilon },
  });
}

function scaled(composer: Composer, x: Term, scale: Term | undefined, bias: Term | undefined): Term {
  const product = scale ? composer.map('mul', [x, scale]) : x;
  return bias ? composer.map('add', [product, bias]) : product;
}

const axesFrom = (x: Term, axis: number): number[] =>
  Array.from({ length: x.dims.length - axis }, (_, index) => axis + index);

/** Mean and 1 / standard deviation, which LayerNormalization gives where they are asked for. */
function statistics(
  composer: Composer,
  x: Term,
  axis: number,
  epsilon: number,
): [mean: Term, deviation: Term] {
  const axes = axesFrom(x, axis);
  const mean = composer.reduce('mean', x, axes);
  const squares = composer.eltwise('square', composer.map('sub', [x, mean]));
  const variance = composer.eltwise('linear', composer.reduce('mean', squares, axes), 1, epsilon);
  return [mean, composer.eltwise('pow', variance, 1, -0.5)];
}

export const layerNormalization: OperatorDefinition = {
  op: 'LayerNormalization',
  inputs: [2, 3],
  outputs: [1, 3],
  quantization: float,
  infer(node) {
    const dtype = floatOf(node);
    const shape = shapeOf(node, 0, 1);
    const axis = shape && normalizeAxis(node, node.attributes.int('axis', -1), shape.length);
    const kept = shape?.map((dim, a) => (a >= axis! ? 1 : dim));
    return [
      { dtype, shape },
      { dtype: 'float32', shape: kept },
      { dtype: 'float32', shape: kept },
    ];
  },
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const x = composer.input(0);
    const axis = normalizeAxis(node, node.attributes.int('axis', -1), x.dims.length);
    const epsilon = node.attributes.float('epsilon', 1e-5);
    const result = normalized(composer, x, axis, epsilon);
    composer.finish(scaled(composer, result, composer.input(1), composer.optional(2)));
    if (!node.outputs[1] && !node.outputs[2]) return;
    statistics(composer, x, axis, epsilon).forEach((term, index) => {
      if (node.outputs[index + 1]) composer.finish(term, index + 1);
    });
  },
};

export const rmsNormalization: OperatorDefinition = {
  op: 'RMSNormalization',
  inputs: [2, 2],
  quantization: float,
  infer: (node) => [{ dtype: floatOf(node), shape: shapeOf(node, 0, 1) }],
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const x = composer.input(0);
    const axis = normalizeAxis(node, node.attributes.int('axis', -1), x.dims.length);
    const result = normalized(composer, x, axis, node.attributes.float('epsilon', 1e-5), false);
    composer.finish(scaled(composer, result, composer.input(1), undefined));
  },
};

/** One number a channel as a tensor that broadcasts over [N, C, spatial...]. */
const perChannel = (composer: Composer, values: Term, rank: number): Term =>
  composer.reshape(values, [values.dims[0]!, ...new Array<number>(rank - 2).fill(1)]);

export const instanceNormalization: OperatorDefinition = {
  op: 'InstanceNormalization',
  inputs: [3, 3],
  quantization: float,
  infer: (node) => [{ dtype: floatOf(node), shape: shapeOf(node, 0, 3) }],
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const x = composer.input(0);
    const result = normalized(composer, x, 2, node.attributes.float('epsilon', 1e-5));
    const [scale, bias] = [1, 2].map((index) => perChannel(composer, composer.input(index), x.dims.length));
    composer.finish(scaled(composer, result, scale, bias));
  },
};

/** Scale and bias are one number a group before version 21, and one a channel since. */
export const groupNormalization: OperatorDefinition = {
  op: 'GroupNormalization',
  inputs: [3, 3],
  quantization: float,
  infer(node) {
    const shape = shapeOf(node, 0, 2);
    groupsOf(node, shape?.[1]);
    return [{ dtype: floatOf(node), shape }];
  },
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const x = composer.input(0);
    const [batch, channels] = x.dims as [number, number];
    const groups = groupsOf(node, channels);
    const grouped = composer.reshape(x, [batch, groups, channels / groups, ...x.dims.slice(2)]);
    const result = normalized(composer, grouped, 2, node.attributes.float('epsilon', 1e-5));
    const [scale, bias] = [composer.input(1), composer.input(2)];
    const aligned = scale.dims[0] === channels ? composer.reshape(result, x.dims) : result;
    const rank = aligned.dims.length;
    const applied = scaled(
      composer,
      aligned,
      perChannel(composer, scale, rank),
      perChannel(composer, bias, rank),
    );
    composer.finish(composer.reshape(applied, x.dims));
  },
};

function groupsOf(node: Node, channels: unknown): number {
  const groups = node.attributes.int('num_groups', 0);
  if (groups < 1 || (typeof channels === 'number' && channels % groups !== 0)) {
    throw shapeError(
      node,
      `expected num_groups to divide ${String(channels)} channels but received ${groups}.`,
    );
  }
  return groups;
}

/** x / (sum of |x|^p along an axis)^(1/p); 0 where that is 0. */
export const lpNormalization: OperatorDefinition = {
  op: 'LpNormalization',
  inputs: [1, 1],
  quantization: float,
  infer: (node) => [{ dtype: floatOf(node), shape: shapeOf(node, 0, 1) }],
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const x = composer.input(0);
    const axis = normalizeAxis(node, node.attributes.int('axis', -1), x.dims.length);
    const norm = composer.reduce(node.attributes.int('p', 2) === 1 ? 'norm_l1' : 'norm_l2', x, [axis]);
    // Everything is 0 where the norm is: the least number then divides as well as any.
    const least = composer.scalar('float32', 1.1754943508222875e-38);
    composer.finish(composer.map('div', [x, composer.map('max', [norm, least])]));
  },
};

export const meanVarianceNormalization: OperatorDefinition = {
  op: 'MeanVarianceNormalization',
  inputs: [1, 1],
  quantization: float,
  infer: (node) => [{ dtype: floatOf(node), shape: shapeOf(node, 0, 1) }],
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const x = composer.input(0);
    const rank = x.dims.length;
    const axes = (node.attributes.ints('axes') ?? [0, 2, 3]).map((axis) => normalizeAxis(node, axis, rank));
    const rest = x.dims.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    const order = [...rest, ...axes];
    const moved = composer.transpose(x, order);
    // The operator's own formula adds 1e-9 to the deviation; to the variance its square is what comes nearest.
    const result = normalized(composer, moved, rest.length, 1e-18);
    composer.finish(
      composer.transpose(
        result,
        x.dims.map((_, axis) => order.indexOf(axis)),
      ),
    );
  },
};
