import type { Node } from '../../graph/graph';
import type { Eltwise, Param, PlanPostOp } from '../definition';

export function eltwiseParams(eltwise: Eltwise): Record<string, Param> {
  return {
    algorithm: { text: eltwise.algorithm },
    alpha: { f64: eltwise.alpha },
    beta: { f64: eltwise.beta },
  };
}

/** A node's fused post-ops for its step, whose sources are in the order of the node's inputs. */
export function planPostOps(node: Node): PlanPostOp[] {
  return node.postOps.map((postOp) => {
    if (postOp.kind === 'eltwise') return { kind: 'eltwise', params: eltwiseParams(postOp) };
    const source: Param = { i64: postOp.input };
    if (postOp.kind === 'sum') return { kind: 'sum', params: { source } };
    return { kind: 'binary', params: { algorithm: { text: postOp.algorithm }, source } };
  });
}
