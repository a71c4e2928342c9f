import type { PostOp, Value } from '../graph/graph';
import type { Pass } from './pass';

/** Drops a final ReLU or clip that saturating to the destination's range already does. */
export const dropRedundantClamps: Pass = {
  name: 'drop-redundant-clamps',
  run(graph) {
    let edits = 0;
    for (const node of graph.nodes) {
      const last = node.postOps[node.postOps.length - 1];
      const result = node.outputs[0];
      if (last && result?.quantization && redundant(last, result)) {
        node.postOps = node.postOps.slice(0, -1);
        ++edits;
      }
    }
    return edits;
  },
};

function redundant(postOp: PostOp, { dtype, quantization }: Value): boolean {
  if (postOp.kind !== 'eltwise' || quantization!.axis !== -1) return false;
  const [low, high] = dtype === 'uint8' ? [0, 255] : [-128, 127];
  const scale = quantization!.scale[0]!;
  const zero = quantization!.zeroPoint[0]!;
  const [least, greatest] = [(low - zero) * scale, (high - zero) * scale];
  if (postOp.algorithm === 'relu') return postOp.alpha === 0 && least >= 0;
  return postOp.algorithm === 'clip' && least >= postOp.alpha && greatest <= postOp.beta;
}
