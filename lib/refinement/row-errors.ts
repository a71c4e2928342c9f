import { Constant } from '../graph/constant';
import { Graph, type Value } from '../graph/graph';
import { Executor } from '../runtime/executor';
import type { ResolvedOptions } from '../runtime/options';
import { Tensor } from '../tensor';
import type { LayerMoments } from './layer-moments';

/** Measures the squared error that rounding a layer's weights makes in each output channel, for any scales. */
export class RowErrors {
  readonly #executor: Executor;

  /** @param levels the greatest level */
  constructor(
    readonly layer: LayerMoments,
    levels: number,
    options: ResolvedOptions,
  ) {
    this.#executor = new Executor(errorGraph(layer, levels), options);
  }

  /** @param scales an entry a row */
  async of(scales: Float32Array): Promise<Float32Array> {
    const { groups, rows } = this.layer;
    const [errors] = await this.#executor.run({
      scales: new Tensor('float32', scales, [groups, rows / groups, 1]),
    });
    return errors!.data as Float32Array;
  }

  close(): Promise<void> {
    return this.#executor.close();
  }
}

/** e'He of each row, where e are the errors of its rounded weights. */
function errorGraph({ rows, columns, groups, moments, weights }: LayerMoments, levels: number): Graph {
  const graph = new Graph('row errors', 13);
  const scalesShape = [groups, rows / groups, 1];
  const scales = graph.addValue('scales', { dtype: 'float32', shape: scalesShape });
  graph.inputs.push(scales);
  const real = graph.addConstant('weights', Constant.float32([groups, rows / groups, columns], weights));
  const limit = (name: string, value: number): Value =>
    graph.addConstant(name, Constant.float32([], [value]));
  const apply = (op: string, ...inputs: Value[]): Value => {
    const result = graph.addValue(op, { dtype: 'float32' });
    graph.addNode({ op, name: result.name, inputs, outputs: [result] });
    return result;
  };
  const nearest = apply('Round', apply('Div', real, scales));
  const kept = apply('Clip', nearest, limit('least', -levels), limit('greatest', levels));
  const errors = apply('Sub', apply('Mul', kept, scales), real);
  const h = graph.addConstant('moments', Constant.float32([groups, columns, columns], moments));
  const costs = apply('Mul', errors, apply('MatMul', errors, h));
  const axes = graph.addConstant('axes', Constant.int64([1], [2]));
  graph.outputs.push(apply('ReduceSum', costs, axes));
  return graph;
}
