import { Calibr8Error } from '../errors';
import type { Node } from '../graph/graph';
import { activations } from './activation';
import { arithmeticOperators } from './arithmetic';
import { attention } from './attention';
import { batchNormalization } from './batch-normalization';
import { cast, castLike } from './cast';
import { conv } from './conv';
import { convTranspose } from './conv-transpose';
import type { OperatorDefinition } from './definition';
import { einsum } from './einsum';
import { depthToSpace, expand, oneHot, spaceToDepth, tile, trilu, where } from './expand';
import { gatherChannels } from './gather-channels';
import { gemm } from './gemm';
import { gather, gatherElements, gatherNd, scatterOperators } from './indexing';
import { convInteger, matmulInteger } from './integer-products';
import { lrn } from './lrn';
import { matmul } from './matmul';
import { concat, slice, split, transpose } from './movement';
import {
  groupNormalization,
  instanceNormalization,
  layerNormalization,
  lpNormalization,
  meanVarianceNormalization,
  rmsNormalization,
} from './normalization';
import { centerCropPad, pad } from './pad';
import {
  averagePool,
  globalAveragePool,
  globalLpPool,
  globalMaxPool,
  lpPool,
  maxPool,
  maxUnpool,
} from './pooling';
import { dequantizeLinear, quantizeLinear } from './quantize';
import {
  dequantizeGeneric,
  dynamicQuantizeLinear,
  INTERNAL_DOMAIN,
  quantizeGeneric,
} from './quantize-generic';
import { argMax, argMin, cumProd, cumSum, reductions, topK } from './reduce';
import { dropout, flatten, identity, reshape, squeeze, unsqueeze } from './reshape';
import { resize, upsample } from './resize';
import { constantOfShape, eyeLike, range, shape, size } from './shape-arithmetic';
import { hardmax, logSoftmax, softmax } from './softmax';
import { unaryOperators } from './unary';
import { windows } from './windows';

const OPERATORS: readonly OperatorDefinition[] = [
  ...[conv, convTranspose, gemm, matmul, einsum, matmulInteger, convInteger, attention],
  ...[maxPool, averagePool, lpPool, globalAveragePool, globalMaxPool, globalLpPool, maxUnpool],
  ...activations,
  ...unaryOperators,
  ...arithmeticOperators,
  ...reductions,
  ...[argMax, argMin, topK, cumSum, cumProd],
  ...[batchNormalization, instanceNormalization, layerNormalization, groupNormalization, rmsNormalization],
  ...[lpNormalization, meanVarianceNormalization, lrn, softmax, logSoftmax, hardmax],
  ...[reshape, flatten, squeeze, unsqueeze, identity, dropout],
  ...[transpose, concat, split, slice, pad, centerCropPad, resize, upsample],
  ...[expand, tile, depthToSpace, spaceToDepth, trilu, where, oneHot],
  ...[gather, gatherElements, gatherNd, ...scatterOperators],
  ...[shape, size, constantOfShape, range, eyeLike, cast, castLike, ...windows],
  ...[quantizeLinear, dequantizeLinear, dynamicQuantizeLinear],
];

/** What passes put in for execution. */
const INTERNAL: readonly OperatorDefinition[] = [quantizeGeneric, dequantizeGeneric, gatherChannels];

const BY_NAME = new Map<string, OperatorDefinition>();
for (const definition of OPERATORS) {
  if (BY_NAME.has(definition.op)) throw new Error(`The operator ${definition.op} is registered twice.`);
  BY_NAME.set(definition.op, definition);
}
for (const definition of INTERNAL) BY_NAME.set(`${INTERNAL_DOMAIN}.${definition.op}`, definition);

/** Names of the operators that calibr8 knows, sorted. */
export function operatorNames(): string[] {
  return OPERATORS.map(({ op }) => op).sort();
}

/** The definition of a node's operator, or undefined where there is none. */
export function findOperator(node: Node): OperatorDefinition | undefined {
  return BY_NAME.get(node.domain === '' ? node.op : `${node.domain}.${node.op}`);
}

/** The definition of a node's operator. Throws UNSUPPORTED_OPERATOR naming the node. */
export function operatorOf(node: Node): OperatorDefinition {
  const definition = findOperator(node);
  if (!definition) {
    const name = node.domain === '' ? node.op : `${node.domain}.${node.op}`;
    throw new Calibr8Error(
      'UNSUPPORTED_OPERATOR',
      `The operator ${name} of node "${node.name}" is not supported. Supported: ${operatorNames().join(', ')}.`,
    );
  }
  return definition;
}
