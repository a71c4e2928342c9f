import { Constant } from '../../graph/constant';
import type { DataType } from '../../graph/data-type';
import type { Node, QuantizationParameters } from '../../graph/graph';
import type { Lowering, Param } from '../definition';
import { fromNumbers } from './elements';
import { broadcast, dtypeOf, input, output } from './shapes';

/** A value of the plan that is being composed. */
export interface Term {
  readonly id: number;
  readonly dtype: DataType;
  readonly dims: readonly number[];
  readonly quantization?: QuantizationParameters | undefined;
}

type Params = Readonly<Record<string, Param>>;

const COMPARISONS = new Set(['eq', 'lt', 'le', 'gt', 'ge']);

/** Element-wise arithmetic of float32 that oneDNN is quick at. */
const ONEDNN_ARITHMETIC = new Set(['add', 'sub', 'mul', 'div', 'max', 'min']);

/** Lowers one node into several steps: each method appends one and returns its result. */
export class Composer {
  #count = 0;

  constructor(
    readonly node: Node,
    readonly lowering: Lowering,
  ) {}

  input(index: number): Term {
    const value = input(this.node, index);
    const { quantization } = value;
    return {
      id: this.lowering.value(value),
      dtype: dtypeOf(this.node, index),
      dims: this.lowering.dims(value),
      quantization,
    };
  }

  optional(index: number): Term | undefined {
    return this.node.inputs[index] && this.input(index);
  }

  constant(dtype: DataType, dims: readonly number[], numbers: ArrayLike<number>): Term {
    return this.stored(fromNumbers(dtype, dims, numbers));
  }

  stored(constant: Constant): Term {
    const { dtype, dims } = constant;
    return { id: this.lowering.constant(this.#name('constant'), constant), dtype, dims };
  }

  /** A number as a tensor that broadcasts. */
  scalar(dtype: DataType, value: number): Term {
    return this.constant(dtype, [], [value]);
  }

  step(
    kernel: string,
    sources: readonly Term[],
    dtype: DataType,
    dims: readonly number[],
    params: Params = {},
  ): Term {
    const name = this.#name(kernel);
    const quantization = dtype === sources[0]?.dtype ? sources[0].quantization : undefined;
    const id = this.lowering.temporary(name, dtype, dims, quantization);
    this.lowering.step({
      kernel,
      name,
      sources: sources.map((source) => source.id),
      destinations: [id],
      params,
    });
    return { id, dtype, dims, quantization };
  }

  /** A function of elements of any type, with broadcasting. */
  map(
    algorithm: string,
    operands: readonly Term[],
    numbers: { alpha?: number; beta?: number; dtype?: DataType } = {},
  ): Term {
    const dims = broadcast(
      this.node,
      operands.map((operand) => operand.dims),
    ) as number[];
    const aligned = operands.map((operand) => this.#aligned(operand, dims.length));
    const own = operands[algorithm === 'where' ? 1 : 0]!.dtype;
    const dtype = numbers.dtype ?? (COMPARISONS.has(algorithm) || algorithm.startsWith('is_') ? 'bool' : own);
    const fast = own === 'float32' && ONEDNN_ARITHMETIC.has(algorithm);
    const { alpha = 0, beta = 0 } = numbers;
    return this.step(fast ? 'binary' : 'map', aligned, dtype, dims, {
      algorithm: { text: algorithm },
      ...(fast ? {} : { alpha: { f64: alpha }, beta: { f64: beta } }),
    });
  }

  /** A function of float32 elements that oneDNN knows. */
  eltwise(algorithm: string, x: Term, alpha = 0, beta = 0): Term {
    return this.step('eltwise', [x], 'float32', x.dims, {
      algorithm: { text: algorithm },
      alpha: { f64: alpha },
      beta: { f64: beta },
    });
  }

  cast(x: Term, dtype: DataType): Term {
    return x.dtype === dtype ? x : this.map('cast', [x], { dtype });
  }

  reshape(x: Term, dims: readonly number[]): Term {
    return { ...x, id: this.lowering.reshaped(x.id, dims, this.#name('reshape')), dims };
  }

  transpose(x: Term, permutation: readonly number[]): Term {
    if (permutation.every((axis, index) => axis === index)) return x;
    return this.step(
      'transpose',
      [x],
      x.dtype,
      permutation.map((axis) => x.dims[axis]!),
      {
        permutation: { i64s: permutation },
      },
    );
  }

  /** The source's elements read with other strides; see docs/plan.md. */
  view(x: Term, dims: readonly number[], strides: readonly number[], start = 0): Term {
    return this.step('view', [x], x.dtype, dims, { strides: { i64s: strides }, start: { i64: start } });
  }

  slice(x: Term, starts: readonly number[], dims: readonly number[]): Term {
    if (dims.join() === x.dims.join()) return x;
    return this.step('slice', [x], x.dtype, dims, {
      starts: { i64s: starts },
      steps: { i64s: starts.map(() => 1) },
    });
  }

  concat(parts: readonly Term[], axis: number): Term {
    const first = parts[0]!;
    const dims = [...first.dims];
    dims[axis] = parts.reduce((sum, part) => sum + part.dims[axis]!, 0);
    return this.step('concat', parts, first.dtype, dims, { axis: { i64: axis } });
  }

  gather(x: Term, indices: Term, axis: number): Term {
    const dims = [...x.dims.slice(0, axis), ...indices.dims, ...x.dims.slice(axis + 1)];
    return this.step('gather', [x, indices], x.dtype, dims, { axis: { i64: axis } });
  }

  /** Reduced axes keep the size 1. */
  reduce(algorithm: string, x: Term, axes: readonly number[]): Term {
    const dims = x.dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
    return this.step('reduction', [x], x.dtype, dims, { algorithm: { text: algorithm } });
  }

  /** Matrices of equal rank, whose batch dimensions broadcast. */
  matmul(a: Term, b: Term): Term {
    const batch = broadcast(this.node, [a.dims.slice(0, -2), b.dims.slice(0, -2)]) as number[];
    const dims = [...batch, a.dims[a.dims.length - 2]!, b.dims[b.dims.length - 1]!];
    return this.step('matmul', [a, b], 'float32', dims);
  }

  /** Makes a term the node's output, with the output's dims. */
  finish(x: Term, index = 0): void {
    const target = output(this.node, index);
    const same = this.lowering.dims(target).join() === x.dims.join();
    this.lowering.step({
      kernel: same ? 'reorder' : 'reshape',
      name: index > 0 ? `${this.node.name}/${index}` : this.node.name,
      sources: [x.id],
      destinations: [this.lowering.value(target)],
    });
  }

  #aligned(x: Term, rank: number): Term {
    return this.reshape(x, [...new Array<number>(rank - x.dims.length).fill(1), ...x.dims]);
  }

  #name(what: string): string {
    return `${this.node.name}/${what}${this.#count++}`;
  }
}
