import { Constant } from '../graph/constant';
import type { OperatorDefinition } from './definition';
import { sourcesOf } from './conv';
import { lowerInnerProduct } from './support/inner-product';
import { planPostOps } from './support/post-ops';
import { floatOf, formatShape, input, output, sameDim, shapeError, shapeOf } from './support/shapes';

/** Y = alpha A' B' + beta C. The pass canonicalize-gemm leaves alpha = beta = 1, transA = 0 and C a vector where B is constant. */
export const gemm: OperatorDefinition = {
  op: 'Gemm',
  inputs: [2, 3],
  quantization: { kind: 'linear' },
  linear: {
    resultChannelAxis: () => 1,
    outputChannelAxis: (node) => (node.attributes.int('transB', 0) ? 0 : 1),
    inputChannels: (node) => ({ axis: node.attributes.int('transB', 0) ? 1 : 0, groups: 1 }),
    acceptsBias: true,
    family: 'fullyConnected',
    quantizable: (node) =>
      node.inputs[1]?.constant !== undefined &&
      !node.attributes.int('transA', 0) &&
      node.attributes.float('alpha', 1) === 1 &&
      (node.inputs[2] === undefined ||
        (node.attributes.float('beta', 1) === 1 && node.inputs[2].dims?.length === 1)),
  },
  infer(node) {
    const dtype = floatOf(node);
    const a = shapeOf(node, 0, 2);
    const b = shapeOf(node, 1, 2);
    if (!a || !b) return [{ dtype, shape: undefined }];
    if (a.length !== 2 || b.length !== 2) {
      throw shapeError(node, `expected two matrices but received ${formatShape(a)} and ${formatShape(b)}.`);
    }
    const [m, k] = node.attributes.int('transA', 0) ? [a[1]!, a[0]!] : [a[0]!, a[1]!];
    const [k2, n] = node.attributes.int('transB', 0) ? [b[1]!, b[0]!] : [b[0]!, b[1]!];
    if (typeof k === 'number' && typeof k2 === 'number' && !sameDim(k, k2)) {
      throw shapeError(
        node,
        `expected equal inner dimensions but received ${formatShape(a)} and ${formatShape(b)}.`,
      );
    }
    return [{ dtype, shape: [m, n] }];
  },
  lower(node, lowering) {
    const { attributes } = node;
    if (gemm.linear!.quantizable(node)) {
      const sources = sourcesOf(node, (value) => lowering.value(value));
      const bias = node.inputs[2];
      const n = lowering.dims(output(node))[1]!;
      // A one-element bias broadcasts; the kernel wants one a channel.
      if (bias?.constant && bias.dims![0] !== n) {
        sources[2] = lowering.constant(
          `${bias.name}/broadcast`,
          Constant.float32([n], new Float32Array(n).fill(bias.constant.toFloat32()[0]!)),
        );
      }
      lowerInnerProduct(node, lowering, {
        sources,
        destination: lowering.value(output(node)),
        rows: lowering.dims(output(node))[0]!,
        transposed: attributes.int('transB', 0) !== 0,
      });
      return;
    }
    const transposed = (index: number, flag: string): number => {
      const value = input(node, index);
      const source = lowering.value(value);
      if (!attributes.int(flag, 0)) return source;
      const [rows, columns] = lowering.dims(value);
      const target = lowering.temporary(`${node.name}/${flag}`, 'float32', [columns!, rows!]);
      lowering.step({
        kernel: 'transpose',
        name: `${node.name}/${flag}`,
        sources: [source],
        destinations: [target],
        params: { permutation: { i64s: [1, 0] } },
      });
      return target;
    };
    const dims = lowering.dims(output(node));
    const c = node.inputs[2];
    const alpha = attributes.float('alpha', 1);
    const result = lowering.value(output(node));
    const scaled = (source: number, factor: number, target: readonly number[], what: string): number => {
      if (factor === 1) return source;
      const value = lowering.temporary(`${node.name}/${what}`, 'float32', target);
      lowering.step({
        kernel: 'eltwise',
        name: `${node.name}/${what}`,
        sources: [source],
        destinations: [value],
        params: { algorithm: { text: 'linear' }, alpha: { f64: factor }, beta: { f64: 0 } },
      });
      return value;
    };
    const product =
      c || alpha !== 1 || node.postOps.length > 0
        ? lowering.temporary(`${node.name}/product`, 'float32', dims)
        : result;
    lowering.step({
      kernel: 'matmul',
      name: node.name,
      sources: [transposed(0, 'transA'), transposed(1, 'transB'), -1],
      destinations: [product],
    });
    if (product === result) return;
    let sum = scaled(product, alpha, dims, 'alpha');
    if (c) {
      const shape = lowering.dims(c);
      const aligned = [...new Array<number>(2 - shape.length).fill(1), ...shape];
      const bias = lowering.reshaped(
        scaled(lowering.value(c), attributes.float('beta', 1), shape, 'beta'),
        aligned,
        `${node.name}/c`,
      );
      const added =
        node.postOps.length > 0 ? lowering.temporary(`${node.name}/sum`, 'float32', dims) : result;
      lowering.step({
        kernel: 'binary',
        name: `${node.name}/add`,
        sources: [sum, bias],
        destinations: [added],
        params: { algorithm: { text: 'add' } },
      });
      sum = added;
    }
    if (sum !== result) {
      lowering.step({
        kernel: 'eltwise',
        name: `${node.name}/result`,
        sources: [sum],
        destinations: [result],
        params: { algorithm: { text: 'linear' }, alpha: { f64: 1 }, beta: { f64: 0 } },
        postOps: planPostOps(node),
      });
    }
  },
};
