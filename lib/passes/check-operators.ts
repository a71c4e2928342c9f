import { Calibr8Error } from '../errors';
import { sorted } from '../graph/order';
import { findOperator, operatorNames } from '../ops/registry';
import { unsupportedModel } from '../ops/support/refusals';
import type { Pass } from './pass';
import { refusalsIn } from './refusals';

/** Refuses what cannot run, all of it at once, before anything else looks at the nodes. */
export const checkOperators: Pass = {
  name: 'check-operators',
  run(graph) {
    let complete = true;
    for (const node of sorted(graph)) {
      const definition = findOperator(node);
      if (!definition) {
        complete = false;
        continue;
      }
      const count = node.inputs.length;
      const [least, most] = definition.inputs;
      if (count < least || count > most) {
        throw new Calibr8Error(
          'INVALID_MODEL',
          `${node.label}: expected ${range(least, most)} inputs but it has ${count}.`,
        );
      }
      for (let index = 0; index < least; ++index) {
        if (!node.inputs[index])
          throw new Calibr8Error('INVALID_MODEL', `${node.label}: expected input ${index} but it is absent.`);
      }
      const [fewest, greatest] = definition.outputs ?? [1, 1];
      if (node.outputs.length < fewest || node.outputs.length > greatest) {
        throw new Calibr8Error(
          'INVALID_MODEL',
          `${node.label}: expected ${range(fewest, greatest)} outputs but it has ${node.outputs.length}.`,
        );
      }
    }
    if (!complete) throw unsupportedModel(refusalsIn(graph), `\nSupported: ${operatorNames().join(', ')}.`);
    return 0;
  },
};

function range(least: number, most: number): string {
  if (least === most) return String(least);
  return most === Infinity ? `${least} or more` : `${least} to ${most}`;
}
