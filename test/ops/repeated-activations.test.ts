import type { Value } from '../../lib/graph/graph';
import { ModelBuilder, type AttributeSpec, type Grid } from '../support/model';
import { Random } from '../support/random';
import { float32, runModel } from '../support/run';

const X = [1, 16, 5, 5];
const GRID: Grid = { dtype: 'int8', scale: 1 / 64, zero: 0 };
const WIDE: Grid = { dtype: 'int8', scale: 1 / 32, zero: 0 };

/** An INT8 convolution whose result `append` takes; `separate` keeps what is appended from being fused, by a second use. */
async function outputs(
  append: (model: ModelBuilder, y: Value, x: Value, use: (value: Value) => Value) => Value,
  separate: boolean,
): Promise<number[]> {
  const random = new Random(5);
  const model = new ModelBuilder();
  const x = model.requantized(model.input('x', X), GRID);
  const numbers = Array.from(random.floats(256), (w) => Math.round(w * 60));
  const weights = model.dequantize(model.constant(numbers, [16, 16, 1, 1], 'int8'), GRID);
  const use = (value: Value): Value => (separate ? (model.output(value), value) : value);
  const y = append(model, use(model.node('Conv', [x, weights])), x, use);
  model.output(model.requantized(y, GRID));
  const results = await runModel(model, { x: float32(random.floats(400), X) });
  return [...(results.at(-1)!.data as Float32Array)];
}

type Step = [op: string, attributes: Record<string, AttributeSpec>, bounds: number[]];
const step = (op: string, attributes: Record<string, AttributeSpec> = {}, bounds: number[] = []): Step => [
  op,
  attributes,
  bounds,
];
const apply = (m: ModelBuilder, y: Value, [op, attributes, bounds]: Step): Value =>
  m.node(op, [y, ...bounds.map((bound) => m.constant([bound], []))], attributes);

describe('several functions after one INT8 convolution are each computed with their own numbers', () => {
  test.each<[string, Step[]]>([
    ['a sigmoid of a sigmoid', [step('Sigmoid'), step('Sigmoid')]],
    [
      'two leaky ReLUs',
      [step('LeakyRelu', { alpha: { float: 0.5 } }), step('LeakyRelu', { alpha: { float: 0.1 } })],
    ],
    ['two clips', [step('Clip', {}, [-0.5, 1]), step('Clip', {}, [-1, 0.25])]],
    ['a clip and a hard sigmoid', [step('Clip', {}, [-0.5, 1]), step('HardSigmoid')]],
  ])('%s', async (_, steps) => {
    const chain = (m: ModelBuilder, y: Value, _x: Value, use: (value: Value) => Value): Value =>
      steps.reduce((value, one) => use(apply(m, value, one)), y);
    const expected = await outputs(chain, true);
    expect(new Set(expected).size).toBeGreaterThan(5);
    expect(await outputs(chain, false)).toEqual(expected);
  });

  test.each<[string, Step]>([
    ['a clip', step('Clip', {}, [-0.5, 0.75])],
    ['a hard sigmoid', step('HardSigmoid')],
  ])('%s of a residual sum whose operand was requantized', async (_, last) => {
    const sum = (m: ModelBuilder, y: Value, x: Value, use: (value: Value) => Value): Value =>
      apply(m, use(m.node('Add', [m.requantized(y, WIDE), x])), last);
    const expected = await outputs(sum, true);
    expect(new Set(expected).size).toBeGreaterThan(5);
    expect(await outputs(sum, false)).toEqual(expected);
  });
});
