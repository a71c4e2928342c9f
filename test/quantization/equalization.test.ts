import fc from 'fast-check';
import { InferenceSession, type Tensor } from '../../lib';
import { readModel, writeModel } from '../../lib/onnx';
import { CANONICAL, runPasses } from '../../lib/passes/pipeline';
import { assign } from '../../lib/quantization/assign';
import { findChannelSpaces } from '../../lib/quantization/channel-spaces';
import { equalizingFactors } from '../../lib/quantization/equalization';
import { applyEqualization } from '../../lib/refinement/equalize';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { float32 } from '../support/run';

type Activation = 'Relu' | 'Relu6' | 'LeakyRelu';

/** Convolution, depthwise, grouped, residual, pooling and a classifier: everything that factors can pass through. */
function network(seed: number, activation: Activation): ModelBuilder {
  const random = new Random(seed);
  const model = new ModelBuilder(17);
  const weights = (...dims: number[]) =>
    model.constant(random.floats(dims.reduce((a, b) => a * b), -0.8, 0.8), dims); // prettier-ignore
  const act = (x: ReturnType<ModelBuilder['node']>) =>
    activation === 'Relu6'
      ? model.node('Clip', [x, model.constant([0], []), model.constant([6], [])])
      : model.node(activation, [x]);
  const pads = { pads: [1, 1, 1, 1] };
  const x = model.input('x', ['N', 3, 8, 8]);
  const first = act(model.node('Conv', [x, weights(8, 3, 3, 3), weights(8)], pads));
  const depthwise = act(model.node('Conv', [first, weights(8, 1, 3, 3), weights(8)], { ...pads, group: 8 }));
  const branch = act(model.node('Conv', [depthwise, weights(8, 4, 1, 1)], { group: 2 }));
  const sum = act(
    model.node('Add', [model.node('Conv', [branch, weights(8, 8, 1, 1), weights(8)]), depthwise]),
  );
  const pooled = model.node('MaxPool', [sum], { kernel_shape: [2, 2], strides: [2, 2] });
  const last = act(model.node('Conv', [pooled, weights(6, 8, 3, 3), weights(6)]));
  const flat = model.node('Flatten', [model.node('GlobalAveragePool', [last])]);
  return model.output(model.node('Gemm', [flat, weights(5, 6), weights(5)], { transB: 1 }), 'float32', [
    'N',
    5,
  ]);
}

const SCHEME = {
  firstConv: 'int8',
  fullyConnected: 'int8',
  residuals: 'rounded',
  averages: 'shared',
  activations: 'symmetric',
  weightScales: 'max',
  exclude: [],
  bits: [],
} as const;

async function answer(bytes: Uint8Array, x: Tensor): Promise<Float32Array> {
  const session = await InferenceSession.create(bytes, { threadsPerStream: 1 });
  const results = await session.run({ x });
  await session.release();
  return results[session.outputNames[0]!]!.data as Float32Array;
}

describe('equalization', () => {
  it('leaves the function as it is, whatever the factors and the activation', async () => {
    const cases = fc.record({
      seed: fc.integer(),
      activation: fc.constantFrom<Activation>('Relu', 'Relu6', 'LeakyRelu'),
      spread: fc.double({ min: 0, max: 4, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ seed, activation, spread }) => {
        const random = new Random(seed);
        const model = network(seed, activation);
        const graph = await readModel(model.bytes());
        runPasses(graph, CANONICAL);
        const spaces = findChannelSpaces(graph, assign(graph, SCHEME));
        expect(spaces.length).toBeGreaterThanOrEqual(3);
        const scaled = spaces.map((space) => ({
          space,
          factors: Float64Array.from({ length: space.channels }, () => Math.exp(spread * random.next())),
        }));
        const { measured } = applyEqualization(graph, scaled);
        const x = float32(random.floats(2 * 3 * 64, -4, 4), [2, 3, 8, 8]);
        const [before, after] = [await answer(model.bytes(), x), await answer(bytesOf(measured), x)];
        const magnitude = before.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
        before.forEach((value, i) => expect(Math.abs(value - after[i]!)).toBeLessThan(1e-4 * magnitude));
      }),
      { numRuns: 30 },
    );
  });

  it('finds the spaces between layers, a residual stream as one, and none at the borders of the network', async () => {
    const graph = await readModel(network(1, 'Relu').bytes());
    runPasses(graph, CANONICAL);
    const spaces = findChannelSpaces(graph, assign(graph, SCHEME));
    const shape = spaces.map(({ channels, makers, readers }) => [channels, makers.length, readers.length]);
    expect(shape.sort()).toEqual(
      [
        [8, 1, 1], // first -> depthwise
        [8, 2, 2], // depthwise and the branch's end -> branch's begin and, pooled, the last convolution
        [8, 1, 1], // within the branch
        [6, 1, 1], // last -> classifier
      ].sort(),
    );
    const border = new Set([...graph.inputs, ...graph.outputs]);
    for (const { values } of spaces) for (const value of values) expect(border.has(value)).toBe(false);
  });

  it('asks a layer that stays FP32 for nothing', async () => {
    const graph = await readModel(network(1, 'Relu').bytes());
    runPasses(graph, CANONICAL);
    const none = findChannelSpaces(graph, assign(graph, { ...SCHEME, exclude: ['op:Conv'] }));
    expect(none).toEqual([]);
  });
});

describe('equalizingFactors', () => {
  it('goes half way to the widest channel, never below 1, and leaves silent channels alone', () => {
    expect([...equalizingFactors(4, [[4, 1, 0, 0.25]])]).toEqual([1, 2, 1, 4]);
    expect([...equalizingFactors(2, [[1, 4], [9, 9]])][0]).toBeCloseTo(Math.SQRT2); // prettier-ignore
  });

  it('is bounded', () => {
    expect(equalizingFactors(2, [[1, 1e-12]])[1]).toBe(64);
  });
});

function bytesOf(graph: Parameters<typeof writeModel>[0]): Uint8Array {
  return writeModel(graph);
}
