import type { Attribute } from '../../lib/graph/attributes';
import { Constant } from '../../lib/graph/constant';
import type { DataType } from '../../lib/graph/data-type';
import { Graph, type Shape, type Value } from '../../lib/graph/graph';
import { writeModel } from '../../lib/onnx';
import { allocate } from '../../lib/ops/support/elements';

/** An attribute as tests write it: whole numbers are ints, and floats say so. */
export type AttributeSpec =
  number | readonly number[] | string | { float: number } | { floats: readonly number[] };

/** Scale and zero point of a tensor in a test; several scales lie along `axis`. */
export interface Grid {
  readonly dtype: 'uint8' | 'int8' | 'int32';
  readonly scale: number | readonly number[];
  readonly zero: number;
  readonly axis?: number;
}

/** Composes an ONNX model. */
export class ModelBuilder {
  readonly graph: Graph;
  #next = 0;

  constructor(opset = 17) {
    this.graph = new Graph('test', opset);
  }

  input(name: string, shape: Shape, dtype: DataType = 'float32'): Value {
    const value = this.graph.addValue(name, { dtype, shape });
    this.graph.inputs.push(value);
    return value;
  }

  constant(data: ArrayLike<number>, dims: readonly number[], dtype: DataType = 'float32'): Value {
    const array = allocate(dtype, data.length);
    for (let i = 0; i < data.length; ++i)
      array[i] = array instanceof BigInt64Array ? BigInt(data[i]!) : data[i]!;
    return this.graph.addConstant(`constant${this.#next++}`, Constant.from(dtype, dims, array));
  }

  /** Adds a node with one output and returns that. */
  node(
    op: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, AttributeSpec>> = {},
  ): Value {
    return this.nodeWithOutputs(op, inputs, 1, attributes)[0]!;
  }

  nodeWithOutputs(
    op: string,
    inputs: readonly (Value | undefined)[],
    count: number,
    attributes: Readonly<Record<string, AttributeSpec>> = {},
  ): Value[] {
    const name = `${op}${this.#next++}`;
    const outputs = Array.from({ length: count }, (_, i) => this.graph.addValue(`${name}:${i}`));
    this.graph.addNode({
      op,
      name,
      inputs,
      outputs,
      attributes: Object.entries(attributes).map(([key, spec]) => [key, toAttribute(spec)] as const),
    });
    return outputs;
  }

  quantize(x: Value, grid: Grid): Value {
    return this.node('QuantizeLinear', [x, ...this.#gridInputs(grid)], axisOf(grid));
  }

  dequantize(x: Value, grid: Grid): Value {
    return this.node('DequantizeLinear', [x, ...this.#gridInputs(grid)], axisOf(grid));
  }

  /** QuantizeLinear, then DequantizeLinear. */
  requantized(x: Value, grid: Grid): Value {
    return this.dequantize(this.quantize(x, grid), grid);
  }

  /** A graph output. */
  output(value: Value, dtype: DataType = 'float32', shape?: Shape): this {
    value.dtype ??= dtype;
    value.shape ??= shape;
    this.graph.outputs.push(value);
    return this;
  }

  bytes(): Uint8Array {
    return writeModel(this.graph);
  }

  #gridInputs({ scale, zero, dtype }: Grid): Value[] {
    const scales = typeof scale === 'number' ? [scale] : scale;
    const dims = typeof scale === 'number' ? [] : [scales.length];
    return [
      this.constant(scales, dims),
      this.constant(
        scales.map(() => zero),
        dims,
        dtype,
      ),
    ];
  }
}

function axisOf({ axis }: Grid): Record<string, AttributeSpec> {
  return axis === undefined ? {} : { axis };
}

function toAttribute(spec: AttributeSpec): Attribute {
  if (typeof spec === 'number') return { kind: 'int', value: spec };
  if (typeof spec === 'string') return { kind: 'string', value: spec };
  if ('float' in spec) return { kind: 'float', value: spec.float };
  if ('floats' in spec) return { kind: 'floats', value: spec.floats };
  return { kind: 'ints', value: spec };
}
