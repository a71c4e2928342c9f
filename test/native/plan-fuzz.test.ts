import { clone } from '../../lib/graph/clone';
import { readModel } from '../../lib/onnx';
import { EXECUTION, runPasses } from '../../lib/passes/pipeline';
import { encodePlan } from '../../lib/plan/encode';
import { lower } from '../../lib/plan/lower';
import { planMemory } from '../../lib/plan/memory';
import type { Plan } from '../../lib/plan/plan';
import { loadAddon } from '../../lib/runtime/load';
import { zerosOf } from '../../lib/tensor';
import { ModelBuilder } from '../support/model';
import { layerInputs, storedLayer, U8 } from '../support/quantized-conv';
import { Random } from '../support/random';

/** Lowers a model as a session does. */
async function planOf(model: ModelBuilder): Promise<Plan> {
  const { graph } = clone(await readModel(model.bytes()));
  runPasses(graph, EXECUTION);
  return lower(graph);
}

function floatNetwork(): ModelBuilder {
  const random = new Random(3);
  const model = new ModelBuilder();
  const x = model.input('x', [1, 4, 6, 6]);
  const conv = model.node('Conv', [x, model.constant(random.floats(4 * 4 * 9), [4, 4, 3, 3])], {
    pads: [1, 1, 1, 1],
  });
  const sum = model.node('Relu', [model.node('Add', [conv, x])]);
  const pooled = model.node('AveragePool', [sum], { kernel_shape: [2, 2], strides: [2, 2] });
  const joined = model.node('Concat', [pooled, model.node('Sigmoid', [pooled])], { axis: 1 });
  const turned = model.node('Transpose', [joined], { perm: [0, 2, 3, 1] });
  const flat = model.node('Flatten', [turned]);
  const logits = model.node('Gemm', [flat, model.constant(random.floats(72 * 3), [72, 3])]);
  return model
    .output(model.node('Softmax', [logits]))
    .output(model.node('ReduceMean', [turned], { axes: [1] }));
}

/** Kernels that compute addresses from parameters or from data. */
function indexingNetwork(): ModelBuilder {
  const model = new ModelBuilder();
  const x = model.input('x', [2, 3, 4, 5]);
  const int64 = (...numbers: number[]) => model.constant(numbers, [numbers.length], 'int64');
  const places = model.constant([2, 0, 1, 1, 0, 2], [2, 3, 1, 1], 'int64');
  model.output(
    model.node('Expand', [model.node('Slice', [x, int64(3), int64(-9), int64(3), int64(-1)]), int64(1)]),
  );
  model.output(model.node('GatherElements', [x, places], { axis: 1 }));
  model.output(model.node('GatherND', [x, model.constant([1, 2, 0, 0], [2, 2], 'int64')]));
  model.output(
    model.node('ScatterElements', [x, places, model.constant(new Float32Array(6), [2, 3, 1, 1])], {
      axis: 1,
    }),
  );
  model.output(
    model.node('Tile', [model.node('CumSum', [x, model.constant([1], [], 'int64')]), int64(1, 2, 1, 1)]),
  );
  model.output(model.node('Resize', [x, undefined, undefined, int64(2, 3, 7, 3)], { mode: 'cubic' }));
  model.output(
    model.node('Where', [model.node('Less', [x, model.constant([0], [])]), x, model.constant([1], [1])]),
  );
  const [values, indices] = model.nodeWithOutputs('TopK', [x, int64(2)], 2, { axis: 1 });
  model.output(values!).output(indices!, 'int64');
  const [, from] = model.nodeWithOutputs('MaxPool', [x], 2, { kernel_shape: [2, 2], pads: [1, 1, 0, 0] });
  model.output(from!, 'int64');
  const scale = model.constant([1, 2, 3, 4, 5], [5]);
  model.output(model.node('LayerNormalization', [x, scale]));
  return model.output(model.node('ArgMax', [model.node('Cast', [x], { to: 11 })], { axis: 1 }), 'int64');
}

function quantizedNetwork(): ModelBuilder {
  const model = new ModelBuilder();
  const shape = { x: [1, 4, 6, 6], w: [4, 4, 3, 3] };
  const x = model.requantized(model.input('x', shape.x), U8);
  const conv = model.node('Conv', [x, ...layerInputs(model, storedLayer(new Random(1), shape), U8)], {
    pads: [1, 1, 1, 1],
  });
  const y = model.requantized(model.node('Relu', [model.node('Add', [conv, x])]), U8);
  return model.output(model.requantized(model.node('GlobalAveragePool', [y]), U8));
}

/** Channels of two convolutions, joined, shuffled and split: an addon's step with a number for each channel. */
function shufflingNetwork(): ModelBuilder {
  const random = new Random(4);
  const model = new ModelBuilder();
  const x = model.input('x', [1, 4, 6, 6]);
  const int64 = (...numbers: number[]) => model.constant(numbers, [numbers.length], 'int64');
  const convolved = [3, 5].map((channels) =>
    model.node('Conv', [x, model.constant(random.floats(channels * 4), [channels, 4, 1, 1])]),
  );
  const split = model.node('Reshape', [model.node('Concat', convolved, { axis: 1 }), int64(1, 2, 4, 36)]);
  const turned = model.node('Transpose', [split], { perm: [0, 2, 1, 3] });
  const y = model.node('Reshape', [turned, int64(1, 8, 6, 6)]);
  const parts = model.nodeWithOutputs('Split', [y, int64(3, 5)], 2, { axis: 1 });
  return model.output(parts[0]!).output(model.node('Relu', [parts[1]!]));
}

/** Flips bits, overwrites numbers with nasty ones, cuts, and repeats pieces. */
function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const view = new DataView(copy.buffer);
  switch (random.int(0, 5)) {
    case 0:
      return copy.subarray(0, random.int(0, copy.length - 1));
    case 1: {
      const at = random.int(8, copy.length - 4);
      const nasty = [0, -1, 0x7fffffff, 0x80000000, 0xffff, 2, 3, 1 << 20];
      view.setInt32(at, nasty[random.int(0, nasty.length - 1)]!, true);
      return copy;
    }
    case 2: {
      const at = random.int(8, copy.length - 8);
      const nasty = [0n, -1n, 2n ** 62n, -(2n ** 63n), 2n ** 31n, 7n];
      view.setBigInt64(at, nasty[random.int(0, nasty.length - 1)]!, true);
      return copy;
    }
    case 3: {
      const [from, to] = [random.int(0, copy.length - 1), random.int(0, copy.length - 1)];
      copy.copyWithin(to, from, from + random.int(1, 64));
      return copy;
    }
    default:
      for (let n = random.int(1, 3); n > 0; --n)
        copy[random.int(0, copy.length - 1)]! ^= 1 << random.int(0, 7);
      return copy;
  }
}

describe('a damaged plan is refused with a code or runs, but never crashes', () => {
  test.each([
    ['float32', floatNetwork, 1],
    ['INT8', quantizedNetwork, 2],
    ['indexing', indexingNetwork, 3],
    ['channels that move', shufflingNetwork, 4],
  ])('%s', async (_, network, seed) => {
    const plan = await planOf(network());
    const encoded = encodePlan(plan);
    const constants = plan.constants.map(({ bytes }) => bytes);
    const outputs = plan.outputs.map((index) => {
      const { dtype, dims } = plan.values[index]!;
      return zerosOf(dtype, dims)().data;
    });
    const inputSize = plan.values[plan.inputs[0]!]!.dims.reduce((a, b) => a * b, 1);
    const random = new Random(seed);
    const session = new (loadAddon().Session)({ streams: 1, threadsPerStream: 1 });
    const codes = new Map<string, number>();
    const note = (code: string): unknown => codes.set(code, (codes.get(code) ?? 0) + 1);
    for (let round = 0; round < 2000; ++round) {
      try {
        const compiled = await session.compile(mutate(encoded, random), constants);
        const workspaceBytes = compiled.steps.map((step) => step.workspaceBytes);
        // The planner's own plan is the whole one, so that live ranges may be wrong as well.
        const placement = planMemory(plan, { ...compiled, workspaceBytes });
        session.place(
          compiled.program,
          placement.valueOffsets,
          placement.workspaceOffset,
          placement.arenaBytes,
        );
        await session.run(compiled.program, [new Float32Array(inputSize)], outputs);
        session.dispose(compiled.program);
        note('ran');
      } catch (error) {
        note((error as { code?: string }).code ?? String(error));
      }
    }
    await session.close();
    const known = ['INVALID_PLAN', 'ONEDNN', 'INVALID_FEED', 'INVALID_ARGUMENT', 'ran'];
    expect([...codes.keys()].filter((code) => !known.includes(code))).toEqual([]);
    expect(codes.get('INVALID_PLAN')).toBeGreaterThan(300);
    expect(codes.get('ran')).toBeGreaterThan(10);
  });
});
