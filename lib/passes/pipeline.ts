import { Calibr8Error } from '../errors';
import type { Graph } from '../graph/graph';
import { verify } from '../graph/verify';
import { absorbWeights } from './absorb-weights';
import { absorbQuantization } from './absorb-quantization';
import { canonicalizeGemm } from './canonicalize-gemm';
import { checkOperators } from './check-operators';
import { computeInFloat32 } from './compute-in-float32';
import { dropRedundantClamps } from './drop-redundant-clamps';
import { expandQuantizedOperators } from './expand-quantized-operators';
import { foldBatchNorm } from './fold-batch-norm';
import { foldDequantizedConstants } from './fold-dequantized-constants';
import { fuseActivations } from './fuse-activations';
import { fuseBiases } from './fuse-biases';
import { fuseResidualSums } from './fuse-residual-sums';
import { fuseGates } from './fuse-gates';
import { gatherChannels } from './gather-channels';
import { inferAndFold } from './infer-and-fold';
import { joinChannelsLater } from './join-channels-later';
import { modernize } from './modernize';
import type { Pass } from './pass';
import { fuseChannelAffines } from './fuse-channel-affines';
import { removeDeadNodes } from './remove-dead-nodes';
import { removeIdentities } from './remove-identities';
import { separateGenericConversions } from './separate-generic-conversions';
import { signWeights } from './sign-weights';

/** What any model goes through once at loading; the result is still plain ONNX and can be written. */
export const CANONICAL: readonly Pass[] = [
  expandQuantizedOperators, // first of all: what they stand for is known everywhere, they are known here only
  modernize, // operators then have the form that they have had since opset 7
  checkOperators, // everything after relies on known operators and on their inputs being there
  inferAndFold, // shapes and constants, which the rest asks for
  removeIdentities, // so that patterns see neighbors
  fuseGates, // before factors of theirs are folded into weights; an activation is then one node for all that follows
  foldBatchNorm, // before anything looks at weights
  canonicalizeGemm, // needs ranks; a Gemm is then what quantization and lowering know
  signWeights, // the only weights that quantized layers know; once, since all programs share them
  removeDeadNodes, // what folding left
];

/** What follows for execution, once input shapes are known; the result cannot be written. */
export const EXECUTION: readonly Pass[] = [
  computeInFloat32, // so that weights of other types become float32 constants like any others
  ...CANONICAL, // known shapes fold what was symbolic before
  separateGenericConversions, // those that are left become types
  absorbWeights, // so that a quantized layer has constant weights like any other, which fusing asks for
  fuseChannelAffines, // batch norms that quantized weights cannot take in; what they scale comes first in a chain
  fuseBiases, // before residuals and activations, which come after a bias
  joinChannelsLater, // makes sums
  fuseResidualSums, // before activations, since a ReLU after the sum belongs to the fused node too
  fuseActivations, // before absorbing, so that a quantization is found right after the fused node
  absorbQuantization, // conversions become types
  dropRedundantClamps, // needs the destination's type
  removeDeadNodes, // so that nothing is dequantized that absorbing left without a reader
  gatherChannels, // no conversions lie between the operators of a shuffle any more, and no dead reader keeps them apart
  foldDequantizedConstants, // weights that stayed in float
  inferAndFold, // types of what was replaced, and constants that dequantizing uncovered
  removeDeadNodes,
];

/** Runs passes in order, checking the graph after each. A graph that a pass broke is an INTERNAL_GRAPH error naming it. */
export function runPasses(graph: Graph, passes: readonly Pass[]): void {
  for (const pass of passes) {
    pass.run(graph);
    try {
      verify(graph);
    } catch (cause) {
      // A cycle in the file shows at the first check and is the model's fault.
      if (cause instanceof Calibr8Error && cause.code === 'INVALID_MODEL') throw cause;
      throw new Calibr8Error('INTERNAL_GRAPH', `After the pass "${pass.name}": ${(cause as Error).message}`, {
        cause,
      });
    }
  }
}
