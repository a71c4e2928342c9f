import { Calibr8Error } from '../errors';
import type { Constant } from '../graph/constant';
import type { DataType } from '../graph/data-type';
import type { Graph, Node, QuantizationParameters, Value } from '../graph/graph';
import { sorted } from '../graph/order';
import type { Lowering } from '../ops/definition';
import { operatorOf } from '../ops/registry';
import { isRefusal, operatorWithOpset, unsupportedModel } from '../ops/support/refusals';
import { formatShape } from '../ops/support/shapes';
import type { Plan, PlanStep, PlanValue } from './plan';

/** Lowers a graph that went through the execution passes with known input shapes. */
export function lower(graph: Graph): Plan {
  const builder = new PlanBuilder(graph.opset);
  const inputs = graph.inputs.map((value) => builder.value(value));
  graph.inputs.forEach((value) => builder.observe(value));
  const refusals: string[] = [];
  for (const node of sorted(graph)) {
    try {
      lowerNode(node, builder);
    } catch (error) {
      // What lies behind a shape that nobody knows fails for that reason alone.
      const first = refusals.length === 0 || node.inputs.every((value) => !value || value.dims);
      if (!isRefusal(error)) throw error;
      if (first) refusals.push(`${operatorWithOpset(graph, node)}, ${error.message}`);
    }
  }
  if (refusals.length > 0) throw unsupportedModel(refusals);
  const outputs = graph.outputs.map((value) => builder.output(value));
  return { values: builder.values, steps: builder.steps, constants: builder.constants, inputs, outputs };
}

function lowerNode(node: Node, builder: PlanBuilder): void {
  const definition = operatorOf(node);
  if (!definition.lower) {
    throw new Calibr8Error(
      'UNSUPPORTED_OPERATOR',
      `${node.label} must be known before execution, but it depends on the input's values.`,
    );
  }
  definition.lower(node, builder);
  for (const output of node.outputs) if (output) builder.observe(output);
}

class PlanBuilder implements Lowering {
  readonly values: PlanValue[] = [];
  readonly steps: PlanStep[] = [];
  readonly constants: Constant[] = [];
  readonly #indices = new Map<Value, number>();
  readonly #constantIndices = new Map<Constant, number>();
  readonly #outputs = new Set<number>();

  constructor(readonly opset: number) {}

  value(value: Value): number {
    let index = this.#indices.get(value);
    if (index === undefined) {
      index = value.constant
        ? this.constant(value.name, value.constant, value.quantization)
        : this.#add(
            value.name,
            this.#dtype(value),
            value.producer ? 'temporary' : 'input',
            this.dims(value),
            value.quantization,
          );
      this.#indices.set(value, index);
    }
    return index;
  }

  dims(value: Value): number[] {
    const { dims } = value;
    if (!dims) {
      throw new Calibr8Error(
        'UNSUPPORTED_OPERATOR',
        `The shape of "${value.name}" depends on the input's values (known so far: ${formatShape(value.shape)}).`,
      );
    }
    return dims;
  }

  constant(name: string, constant: Constant, quantization?: QuantizationParameters): number {
    let index = this.#constantIndices.get(constant);
    if (index === undefined) {
      index = this.constants.push(constant) - 1;
      this.#constantIndices.set(constant, index);
    }
    return this.#add(name, constant.dtype, 'constant', constant.dims, quantization, index);
  }

  temporary(
    name: string,
    dtype: DataType,
    dims: readonly number[],
    quantization?: QuantizationParameters,
  ): number {
    return this.#add(name, dtype, 'temporary', dims, quantization);
  }

  step(step: Parameters<Lowering['step']>[0]): void {
    this.steps.push({ params: {}, postOps: [], ...step });
  }

  reshaped(value: number, dims: readonly number[], name: string): number {
    const source = this.values[value]!;
    if (source.dims.join() === dims.join()) return value;
    if (source.constant >= 0)
      return this.#add(name, source.dtype, 'constant', dims, source.quantization, source.constant);
    const result = this.temporary(name, source.dtype, dims, source.quantization);
    this.step({ kernel: 'reshape', name, sources: [value], destinations: [result] });
    return result;
  }

  /** Appends the step that collects a value's statistics, where somebody asked for them. */
  observe(value: Value): void {
    if (value.observer === undefined) return;
    this.step({
      kernel: 'observe',
      name: `observe ${value.name}`,
      sources: [this.value(value)],
      destinations: [],
      params: { observer: { i64: value.observer } },
    });
  }

  /** The plan's value for a graph output: each has its own, made by a step. */
  output(value: Value): number {
    const index = this.value(value);
    const { kind, dtype, dims, quantization } = this.values[index]!;
    if (kind === 'temporary' && !this.#outputs.has(index)) {
      this.#outputs.add(index);
      return index;
    }
    const copy = this.temporary(`${value.name}/output`, dtype, dims, quantization);
    this.step({ kernel: 'reorder', name: `${value.name}/output`, sources: [index], destinations: [copy] });
    this.#outputs.add(copy);
    return copy;
  }

  #dtype(value: Value): DataType {
    if (value.dtype) return value.dtype;
    throw new Calibr8Error('INTERNAL_GRAPH', `The type of "${value.name}" is not known at lowering.`);
  }

  #add(
    name: string,
    dtype: DataType,
    kind: PlanValue['kind'],
    dims: readonly number[],
    quantization: QuantizationParameters | undefined,
    constant = -1,
  ): number {
    return this.values.push({ name, dtype, kind, dims, quantization, constant }) - 1;
  }
}
