import { Calibr8Error } from '../errors';
import type { Node } from '../graph/graph';
import { activations } from './activation';
import { arithmeticOperators } from './arithmetic';
import { batchNormalization } from './batch-normalization';
import { conv } from './conv';
import type { OperatorDefinition } from './definition';
import { gemm } from './gemm';
import { lrn } from './lrn';
import { matmul } from './matmul';
import { concat, pad, slice, split, transpose } from './movement';
import { averagePool, globalAveragePool, globalMaxPool, maxPool } from './pooling';
import { dequantizeLinear, quantizeLinear } from './quantize';
import { reductions } from './reduce';
import { dropout, flatten, identity, reshape, squeeze, unsqueeze } from './reshape';
import { resize, upsample } from './resize';
import { cast, constantOfShape, gather, shape } from './shape-arithmetic';
import { logSoftmax, softmax } from './softmax';

const OPERATORS: readonly OperatorDefinition[] = [
  ...[conv, gemm, matmul],
  ...[maxPool, averagePool, globalAveragePool, globalMaxPool],
  ...activations,
  ...arithmeticOperators,
  ...reductions,
  ...[batchNormalization, lrn, softmax, logSoftmax],
  ...[reshape, flatten, squeeze, unsqueeze, identity, dropout],
  ...[transpose, concat, split, slice, pad, resize, upsample],
  ...[shape, constantOfShape, gather, cast],
  ...[quantizeLinear, dequantizeLinear],
];

const BY_NAME = new Map<string, OperatorDefinition>();
for (const definition of OPERATORS) {
  if (BY_NAME.has(definition.op)) throw new Error(`The operator ${definition.op} is registered twice.`);
  BY_NAME.set(definition.op, definition);
}

/** Names of the operators that calibr8 knows, sorted. */
export function operatorNames(): string[] {
  return [...BY_NAME.keys()].sort();
}

/** The definition of a node's operator, or undefined where there is none. */
export function findOperator(node: Node): OperatorDefinition | undefined {
  return node.domain === '' ? BY_NAME.get(node.op) : undefined;
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
