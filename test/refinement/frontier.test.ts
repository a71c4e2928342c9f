import { Constant } from '../../lib/graph/constant';
import type { Graph, Value } from '../../lib/graph/graph';
import { Frontier } from '../../lib/refinement/frontier';
import type { Tensor } from '../../lib';
import { noise } from '../calibration/calibrated';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { OPTIONS, pair, valueNamed } from './support';

/** Two convolutions in a row, a third beside them, their sum, pooled; samples may have any size. */
function network(): { model: ModelBuilder; values: Value[] } {
  const random = new Random(2);
  const model = new ModelBuilder();
  const x = model.input('x', ['N', 2, 'H', 'W']);
  const conv = (input: Value, inputs: number): Value =>
    model.node('Conv', [input, model.constant(random.floats(4 * inputs), [4, inputs, 1, 1])]);
  const a = model.node('Relu', [conv(x, 2)]);
  const b = conv(a, 4);
  const c = conv(x, 2);
  const sum = model.node('Relu', [model.node('Add', [b, c])]);
  const pooled = model.node('GlobalMaxPool', [sum]);
  model.output(pooled, 'float32', ['N', 4, 1, 1]);
  return { model, values: [a, b, c, sum, pooled] };
}

const samples = [...noise(2, [1, 2, 4, 4]), ...noise(2, [2, 2, 3, 5], 7)];
const feeds = samples.map((x) => [x]);

async function graphs(): Promise<{ reference: Graph; quantized: Graph; names: string[] }> {
  const { model, values } = network();
  return { ...(await pair(model, 2)), names: values.map(({ name }) => name) };
}

const numbers = (tensors: readonly Tensor[]): number[][] =>
  tensors.map(({ data }) => Array.from(data, Number));

/** Each value computed by itself from the samples. */
async function directly(graph: Graph, name: string): Promise<number[][]> {
  return numbers(await new Frontier(graph, feeds, OPTIONS).peek(valueNamed(graph, name)));
}

/** Doubles the weights that a value's maker reads. */
function double(graph: Graph, name: string): void {
  const node = valueNamed(graph, name).producer!;
  const { constant } = node.inputs[1]!;
  const doubled = Constant.float32(constant!.dims, constant!.toFloat32().map((w) => 2 * w)); // prettier-ignore
  graph.setInput(node, 1, graph.addConstant(`${name}_doubled`, doubled));
}

describe('Frontier', () => {
  it('gives the values of the whole network, for samples of several shapes', async () => {
    const { reference, names } = await graphs();
    const frontier = new Frontier(reference, feeds, OPTIONS);
    for (const name of names) {
      const received = await frontier.advance(valueNamed(reference, name));
      expect(received.map(({ dims }) => dims[0])).toEqual([1, 1, 2, 2]);
      expect(numbers(received)).toEqual(await directly(reference, name));
    }
  });

  it('gives them in an order that branches, ahead and again', async () => {
    const { reference, names } = await graphs();
    const [a, b, c, sum, pooled] = names.map((name) => valueNamed(reference, name));
    const frontier = new Frontier(reference, feeds, OPTIONS);
    const wanted = new Map<Value, number[][]>();
    for (const value of [a, b, c, sum, pooled]) wanted.set(value!, await directly(reference, value!.name));
    await frontier.advance(c!);
    expect(numbers(await frontier.peek(sum!))).toEqual(wanted.get(sum!));
    await frontier.advance(b!);
    expect(numbers(await frontier.advance(b!))).toEqual(wanted.get(b!));
    expect(numbers(await frontier.peek(c!))).toEqual(wanted.get(c!));
    expect(numbers(await frontier.advance(pooled!))).toEqual(wanted.get(pooled!));
  });

  it('does not compute again what was passed, and computes by edits what was not', async () => {
    const { reference, names } = await graphs();
    const [, b, c, , pooled] = names as [string, string, string, string, string];
    const frontier = new Frontier(reference, feeds, OPTIONS);
    const before = await directly(reference, pooled);
    await frontier.advance(valueNamed(reference, b));
    double(reference, b);
    expect(numbers(await frontier.peek(valueNamed(reference, pooled)))).toEqual(before);
    double(reference, c);
    const after = numbers(await frontier.peek(valueNamed(reference, pooled)));
    expect(after).not.toEqual(before);
    expect(numbers(await frontier.advance(valueNamed(reference, pooled)))).toEqual(after);
  });

  it('passes nothing by peeking', async () => {
    const { reference, names } = await graphs();
    const frontier = new Frontier(reference, feeds, OPTIONS);
    await frontier.peek(valueNamed(reference, names[4]!));
    double(reference, names[1]!);
    const received = numbers(await frontier.advance(valueNamed(reference, names[4]!)));
    expect(received).toEqual(await directly(reference, names[4]!));
  });

  it('holds quantized values as stored, and reads them again through edited dequantization', async () => {
    const { quantized, names } = await graphs();
    const frontier = new Frontier(quantized, feeds, OPTIONS);
    const stored = valueNamed(quantized, `${names[0]}_quantized`);
    const held = await frontier.advance(stored);
    expect(held.every(({ type }) => type === 'uint8')).toBe(true);
    const [dequantize] = stored.consumers;
    const before = numbers(await frontier.peek(dequantize!.outputs[0]!));
    const scale = dequantize!.inputs[1]!.constant!.toNumbers()[0]!;
    expect(before[0]).toEqual(numbers(held)[0]!.map((level) => Math.fround(level * scale)));
    quantized.setInput(dequantize!, 1, quantized.addConstant('wider', Constant.float32([], [4 * scale])));
    const after = numbers(await frontier.peek(dequantize!.outputs[0]!));
    expect(after[0]).toEqual(before[0]!.map((value) => 4 * value));
  });

  it('lets the dequantization of what several layers read be edited until the last has read it', async () => {
    const { quantized, names } = await graphs();
    const frontier = new Frontier(quantized, feeds, OPTIONS);
    const c = valueNamed(quantized, names[2]!);
    const before = numbers(await frontier.peek(c));
    await frontier.advance(valueNamed(quantized, `${names[0]}_quantized`));
    const [dequantize] = valueNamed(quantized, 'x_quantized').consumers;
    const scale = dequantize!.inputs[1]!.constant!.toNumbers()[0]!;
    quantized.setInput(dequantize!, 1, quantized.addConstant('wider', Constant.float32([], [2 * scale])));
    const after = numbers(await frontier.advance(c));
    after.flat().forEach((value, i) => expect(value).toBeCloseTo(2 * before.flat()[i]!, 5));
  });

  it('holds nothing that no later part needs', async () => {
    const { reference, names } = await graphs();
    const [a, , , sum, pooled] = names.map((name) => valueNamed(reference, name));
    const frontier = new Frontier(reference, feeds, OPTIONS);
    await frontier.advance(pooled!);
    for (const passed of [a, sum]) await expect(frontier.peek(passed!)).rejects.toThrow(/behind it/);
  });

  it('computes what depends on no input, for every sample', async () => {
    const model = new ModelBuilder();
    const x = model.input('x', [1, 2, 1, 1]);
    const fixed = model.node('Conv', [model.constant([1, 2], [1, 2, 1, 1]), model.constant([3, 4], [1, 2, 1, 1])]); // prettier-ignore
    model.output(model.node('Mul', [x, fixed]), 'float32', [1, 2, 1, 1]);
    const { reference } = await pair(model, 1);
    const frontier = new Frontier(reference, feeds.slice(0, 3), OPTIONS);
    expect(numbers(await frontier.advance(valueNamed(reference, fixed.name)))).toEqual([[11], [11], [11]]);
  });
});
