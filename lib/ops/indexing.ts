import { Constant } from '../graph/constant';
import { elementCount } from '../graph/data-type';
import type { OperatorDefinition } from './definition';
import { Composer } from './support/composer';
import { allocate } from './support/elements';
import { dtypeOf, input, normalizeAxis, output, realType, shapeError, shapeOf } from './support/shapes';

export const gather: OperatorDefinition = {
  op: 'Gather',
  anyType: true,
  inputs: [2, 2],
  quantization: { kind: 'float' },
  infer(node) {
    const dtype = dtypeOf(node);
    const data = shapeOf(node, 0, 1);
    const indices = shapeOf(node, 1);
    if (!data || !indices) return [{ dtype, shape: undefined }];
    const axis = normalizeAxis(node, node.attributes.int('axis', 0), data.length);
    return [{ dtype, shape: [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)] }];
  },
  fold(node) {
    const data = node.inputs[0]!.constant!;
    const indices = node.inputs[1]!.constant!;
    const axis = normalizeAxis(node, node.attributes.int('axis', 0), data.dims.length);
    const size = data.dims[axis]!;
    const inner = elementCount(data.dims.slice(axis + 1));
    const outer = elementCount(data.dims.slice(0, axis));
    const dims = [...data.dims.slice(0, axis), ...indices.dims, ...data.dims.slice(axis + 1)];
    const result = allocate(data.dtype, elementCount(dims));
    const picks = indices.toNumbers().map((index) => {
      if (index < -size || index >= size)
        throw shapeError(node, `expected indices below ${size} but received ${index}.`);
      return index < 0 ? index + size : index;
    });
    let at = 0;
    for (let o = 0; o < outer; ++o) {
      for (const pick of picks) {
        const from = (o * size + pick) * inner;
        result.set(data.array.subarray(from, from + inner) as never, at);
        at += inner;
      }
    }
    return [Constant.from(data.dtype, dims, result)];
  },
  lower(node, lowering) {
    lowering.step({
      kernel: 'gather',
      name: node.name,
      sources: [lowering.value(input(node, 0)), lowering.value(input(node, 1))],
      destinations: [lowering.value(output(node))],
      params: {
        axis: {
          i64: normalizeAxis(node, node.attributes.int('axis', 0), lowering.dims(input(node, 0)).length),
        },
      },
    });
  },
};

const float = { kind: 'float' } as const;

export const gatherElements: OperatorDefinition = {
  op: 'GatherElements',
  anyType: true,
  inputs: [2, 2],
  quantization: float,
  infer: (node) => [{ dtype: realType(node), shape: shapeOf(node, 1) }],
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const [x, indices] = [composer.input(0), composer.input(1)];
    const axis = normalizeAxis(node, node.attributes.int('axis', 0), x.dims.length);
    composer.finish(
      composer.step('gather_elements', [x, indices], x.dtype, indices.dims, { axis: { i64: axis } }),
    );
  },
};

export const gatherNd: OperatorDefinition = {
  op: 'GatherND',
  anyType: true,
  inputs: [2, 2],
  quantization: float,
  infer(node) {
    const dtype = realType(node);
    const [x, indices] = [shapeOf(node, 0, 1), shapeOf(node, 1, 1)];
    const width = indices?.[indices.length - 1];
    if (!x || typeof width !== 'number') return [{ dtype, shape: undefined }];
    const batch = node.attributes.int('batch_dims', 0);
    return [{ dtype, shape: [...indices!.slice(0, -1), ...x.slice(batch + width)] }];
  },
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const [x, indices] = [composer.input(0), composer.input(1)];
    composer.finish(
      composer.step('gather_nd', [x, indices], x.dtype, lowering.dims(output(node)), {
        batchDims: { i64: node.attributes.int('batch_dims', 0) },
      }),
    );
  },
};

/** Operators that write updates into a copy of their first input. */
function scatter(op: string, kernel: string, hasAxis: boolean): OperatorDefinition {
  return {
    op,
    anyType: true,
    inputs: [3, 3],
    quantization: float,
    infer(node) {
      return [{ dtype: realType(node), shape: shapeOf(node) }];
    },
    lower(node, lowering) {
      const composer = new Composer(node, lowering);
      const [x, indices, updates] = [composer.input(0), composer.input(1), composer.input(2)];
      composer.finish(
        composer.step(kernel, [x, indices, updates], x.dtype, x.dims, {
          algorithm: { text: node.attributes.string('reduction', 'none') },
          ...(hasAxis
            ? { axis: { i64: normalizeAxis(node, node.attributes.int('axis', 0), x.dims.length) } }
            : {}),
        }),
      );
    },
  };
}

export const scatterOperators: readonly OperatorDefinition[] = [
  scatter('Scatter', 'scatter_elements', true),
  scatter('ScatterElements', 'scatter_elements', true),
  scatter('ScatterND', 'scatter_nd', false),
];
