import type { Node } from '../../lib/graph/graph';
import { upgradeOpset } from '../../lib/passes/upgrade-opset';
import { ModelBuilder } from '../support/model';

test.each([
  ['spatial', 'BatchNormalization', { spatial: 1, epsilon: { float: 1e-3 } }, 'epsilon'],
  ['ratio', 'Dropout', { ratio: { float: 0.5 } }, undefined],
])('%s of %s, which opset 13 does not have, is dropped', (name, op, attributes, kept) => {
  const m = new ModelBuilder(7);
  const parameters = op === 'Dropout' ? [] : [0, 1, 2, 3].map(() => m.constant([1], [1]));
  m.output(m.node(op, [m.input('x', [1, 1, 2, 2]), ...parameters], attributes));
  upgradeOpset(m.graph, 13);
  const [node] = [...m.graph.nodes] as [Node];
  expect(node.op).toBe(op);
  expect(node.attributes.has(name)).toBe(false);
  if (kept !== undefined) expect(node.attributes.has(kept)).toBe(true);
});
