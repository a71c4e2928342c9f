import { encodePlan } from '../../lib/plan/encode';
import { lower } from '../../lib/plan/lower';
import { planMemory } from '../../lib/plan/memory';
import { readModel } from '../../lib/onnx';
import { CANONICAL, EXECUTION, runPasses } from '../../lib/passes/pipeline';
import { loadAddon } from '../../lib/runtime/load';
import { ModelBuilder, type Grid } from '../support/model';
import { Random } from '../support/random';
import { count } from '../support/reference/dense';
import { float32, withSession } from '../support/run';

const GRID: Grid = { dtype: 'uint8', scale: 0.02, zero: 3 };
const DIMS = [2, 3, 11, 13];
const SIZE = count(DIMS);

const random = new Random(5);
const image = (dims = DIMS) => float32(random.floats(count(dims), -3, 3), dims);

/** What an image is after quantization, by the rule of ONNX. */
const rounded = (x: number): number => {
  const scaled = Math.fround(x / Math.fround(GRID.scale as number));
  const below = Math.floor(scaled);
  const up = scaled - below > 0.5 || (scaled - below === 0.5 && below % 2 !== 0);
  return Math.min(255, Math.max(0, below + (up ? 1 : 0) + GRID.zero));
};

/** An INT8 convolution of an image, whose quantization may take the place of the input's copy. */
function network(alsoRead = false): ModelBuilder {
  const model = new ModelBuilder(17);
  const x = model.input('x', ['n', 3, 'h', 'w']);
  const filters = model.constant(new Random(2).ints(8 * 27, -127, 127), [8, 3, 3, 3], 'int8');
  const w = model.dequantize(filters, { dtype: 'int8', scale: 0.01, zero: 0 });
  const y = model.node('Conv', [model.requantized(x, GRID), w], { pads: [1, 1, 1, 1] });
  model.output(model.requantized(y, { dtype: 'int8', scale: 0.1, zero: 0 }), 'float32');
  // Then the input has two readers and comes in as it is.
  if (alsoRead) model.output(model.node('Neg', [x]), 'float32');
  return model;
}

const answer = (outputs: Record<string, { data: unknown }>): unknown => Object.values(outputs)[0]!.data;

test('an input that is quantized and nothing else gives the answers of one that is read elsewhere too', async () => {
  await withSession(network(), (one) =>
    withSession(network(true), async (other) => {
      for (const dims of [DIMS, [1, 3, 5, 5], [3, 3, 40, 41], DIMS]) {
        const feeds = { x: image(dims) };
        const before = feeds.x.data.slice();
        const wanted = answer(await other.run(feeds));
        expect(answer(await one.run(feeds))).toEqual(wanted);
        expect(answer(await one.run(feeds))).toEqual(wanted);
        expect(feeds.x.data).toEqual(before);
      }
    }),
  );
});

test.each([1, 2])('runs that overlap keep their inputs apart, with %i streams', async (streams) => {
  await withSession(
    network(),
    async (session) => {
      const feeds = Array.from({ length: 8 }, () => ({ x: image() }));
      const alone: unknown[] = [];
      for (const each of feeds) alone.push(answer(await session.run(each)));
      const together = await Promise.all(feeds.map((each) => session.run(each)));
      expect(together.map(answer)).toEqual(alone);
    },
    { streams, threadsPerStream: 2 },
  );
});

test('a profile shows the quantization as a step and changes no answer', async () => {
  await withSession(network(), async (session) => {
    const feeds = { x: image() };
    const wanted = answer(await session.run(feeds));
    for (const runs of [1, 3]) {
      const { steps } = await session.profile(feeds, runs);
      expect(steps[0]).toMatchObject({ dataTypes: 'f32->u8', nanoseconds: expect.any(Number) });
      expect(steps[0]!.nanoseconds).toBeGreaterThan(0);
      expect(answer(await session.run(feeds))).toEqual(wanted);
    }
  });
});

test('two inputs, each of them quantized, are added in place', async () => {
  const model = new ModelBuilder(17);
  const [a, b] = ['a', 'b'].map((name) => model.requantized(model.input(name, DIMS), GRID));
  const sum: Grid = { dtype: 'uint8', scale: 0.04, zero: 0 };
  model.output(model.requantized(model.node('Add', [a, b]), sum), 'float32');
  await withSession(model, async (session) => {
    const feeds = { a: image(), b: image() };
    const first = answer(await session.run(feeds)) as Float32Array;
    const real = (x: number): number => (rounded(x) - GRID.zero) * 0.02;
    first.forEach((value, i) => {
      const wanted = Math.max(0, real(feeds.a.data[i]!) + real(feeds.b.data[i]!));
      expect(Math.abs(value - wanted)).toBeLessThanOrEqual(0.0201);
    });
    expect(answer(await session.run(feeds))).toEqual(first);
  });
});

test('the quantized input itself, from memory at any address', async () => {
  const model = new ModelBuilder(17);
  const q = model.quantize(model.input('x', DIMS), GRID);
  model.output(q, 'uint8', DIMS);
  const graph = await readModel(model.bytes());
  runPasses(graph, CANONICAL);
  runPasses(graph, EXECUTION);
  const plan = lower(graph);
  const session = new (loadAddon().Session)({ streams: 1, threadsPerStream: 1 });
  const constants = plan.constants.map(({ bytes }) => bytes);
  const program = await session.compile(encodePlan(plan), constants);
  const workspaceBytes = program.steps.map((step) => step.workspaceBytes);
  const place = planMemory(plan, { ...program, workspaceBytes });
  session.place(program.program, place.valueOffsets, place.workspaceOffset, place.arenaBytes);
  const x = image().data;
  for (const offset of [0, 1, 2, 3, 4, 63]) {
    const bytes = new Uint8Array(4 * SIZE + 64).subarray(offset, offset + 4 * SIZE);
    bytes.set(new Uint8Array(x.buffer));
    const y = new Uint8Array(SIZE);
    await session.run(program.program, [bytes], [y]);
    expect([...y]).toEqual([...x].map(rounded));
  }
  await session.close();
});
