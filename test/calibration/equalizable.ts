import type { Value } from '../../lib/graph/graph';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';

/** A convolution whose channels differ in range, ReLU6 and a layer that reads it: its channels are equalized. */
export function equalizable(opset = 17): { model: ModelBuilder; clip: Value } {
  const random = new Random(7);
  const model = new ModelBuilder(opset);
  const x = model.input('x', ['N', 3, 8, 8]);
  const first = random.floats(16 * 27, -2, 2).map((value, i) => value * 0.8 ** Math.floor(i / 27));
  const conv = model.node('Conv', [x, model.constant(first, [16, 3, 3, 3])]);
  const clip =
    opset < 11
      ? model.node('Clip', [conv], { min: { float: 0 }, max: { float: 6 } })
      : model.node('Clip', [conv, model.constant([0], []), model.constant([6], [])]);
  const last = model.node('Conv', [clip, model.constant(random.floats(8 * 16), [8, 16, 1, 1])]);
  return { model: model.output(last, 'float32', ['N', 8, 6, 6]), clip };
}
