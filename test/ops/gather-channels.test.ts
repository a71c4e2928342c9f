import fc from 'fast-check';
import { elementCount, type DataType } from '../../lib/graph/data-type';
import type { Value } from '../../lib/graph/graph';
import { encodePlan } from '../../lib/plan/encode';
import type { Plan, PlanValue } from '../../lib/plan/plan';
import { loadAddon } from '../../lib/runtime/load';
import { Tensor } from '../../lib/tensor';
import { randomTensor } from '../support/agree';
import { ModelBuilder, type Grid } from '../support/model';
import { Random } from '../support/random';
import { concat } from '../support/reference/elements';
import { at, build, dense, type Dense } from '../support/reference/dense';
import { float32, withSession } from '../support/run';
import { describeWithVnni } from '../support/vnni';

interface Case {
  /** [N, spatial...] */
  images: readonly number[];
  /** Channels of each source. */
  sources: readonly number[];
  groups: number;
  /** Channels of each part of the result. */
  parts: readonly number[];
}

const CASES: [string, Case][] = [
  ['two groups, halves, as in ShuffleNetV2', { images: [1, 9, 7], sources: [24, 24], groups: 2, parts: [24, 24] }], // prettier-ignore
  ['two groups of a single source', { images: [2, 5, 5], sources: [34], groups: 2, parts: [34] }],
  ['two groups that are the two sources', { images: [2, 5, 5], sources: [13, 13], groups: 2, parts: [26] }],
  ['two groups across two sources', { images: [1, 4, 6], sources: [10, 20], groups: 2, parts: [30] }],
  ['two groups and uneven parts', { images: [1, 4, 6], sources: [16, 16], groups: 2, parts: [7, 25] }],
  ['three groups', { images: [2, 6, 5], sources: [12, 12, 12], groups: 3, parts: [18, 18] }],
  ['groups across sources', { images: [1, 6, 5], sources: [5, 11, 8], groups: 4, parts: [9, 1, 14] }],
  ['many groups of two channels', { images: [1, 6, 5], sources: [40], groups: 20, parts: [40] }],
  ['groups of one channel', { images: [1, 3, 3], sources: [3, 4], groups: 7, parts: [7] }],
  ['1-D', { images: [2, 33], sources: [8, 8], groups: 2, parts: [8, 8] }],
  ['3-D', { images: [1, 3, 4, 2], sources: [9, 3], groups: 3, parts: [6, 6] }],
  ['single pixels', { images: [3, 1, 1], sources: [20, 20], groups: 2, parts: [20, 20] }],
  ['single channels', { images: [2, 4, 4], sources: [1, 1, 2], groups: 2, parts: [1, 3] }],
];

const SCALE = 0.25;
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** Sources and parts are behind and before convolutions that change nothing, so that they are channels-last. */
function modelOf({ images, sources, groups, parts }: Case, grid?: Grid, convolved = true): ModelBuilder {
  const m = new ModelBuilder();
  const [batch, ...spatial] = images as [number, ...number[]];
  const stored = (x: Value): Value => (grid ? m.requantized(x, grid) : x);
  const layer = (x: Value, channels: number): Value => {
    if (!convolved) return stored(x);
    const ones = Float32Array.from({ length: channels ** 2 }, (_, i) => (i % (channels + 1) === 0 ? 1 : 0));
    const dims = [channels, channels, ...spatial.map(() => 1)];
    const weights = m.constant(ones, dims);
    const own: Grid = { scale: 1, zero: 0, dtype: 'int8' };
    return stored(m.node('Conv', [stored(x), grid ? m.requantized(weights, own) : weights]));
  };
  const ints = (...numbers: number[]): Value => m.constant(numbers, [numbers.length], 'int64');
  const layers = sources.map((channels, i) =>
    layer(m.input(`x${i}`, [batch, channels, ...spatial]), channels),
  );
  const channels = sum(sources);
  const joined = layers.length > 1 ? stored(m.node('Concat', layers, { axis: 1 })) : layers[0]!;
  const split = m.node('Reshape', [joined, ints(batch, groups, channels / groups, ...spatial)]);
  const turned = m.node('Transpose', [stored(split)], { perm: [0, 2, 1, ...spatial.map((_, i) => i + 3)] });
  const y = stored(m.node('Reshape', [stored(turned), ints(batch, channels, ...spatial)]));
  const results = parts.length > 1 ? m.nodeWithOutputs('Split', [y, ints(...parts)], parts.length, { axis: 1 }) : [y]; // prettier-ignore
  results.forEach((part, i) => m.output(layer(stored(part), parts[i]!)));
  return m;
}

/** Inputs of levels that every grid here has. */
function inputsOf({ images: [batch, ...spatial], sources }: Case, least: number): Dense[] {
  return sources.map((channels, source) => {
    const dims = [batch!, channels, ...spatial];
    const data = new Random(source + 1).ints(elementCount(dims), least, least + 255);
    return dense(dims, data.map((level) => level * SCALE)); // prettier-ignore
  });
}

/** As the definition of a shuffle says, index by index. */
function expected({ images, sources, groups, parts }: Case, inputs: readonly Dense[]): Dense[] {
  const channels = sum(sources);
  const joined = concat(inputs, 1);
  let start = 0;
  return parts.map((count) => {
    const first = (start += count) - count;
    return build([images[0]!, count, ...images.slice(1)], ([image, channel, ...pixel]) => {
      const place = first + channel!;
      const from = (place % groups) * (channels / groups) + Math.floor(place / groups);
      return joined.data[at(joined.dims, [image!, from, ...pixel])]!;
    });
  });
}

async function check(spec: Case, grid?: Grid, convolved = true, threadsPerStream = 1): Promise<void> {
  const inputs = inputsOf(spec, grid?.dtype === 'uint8' ? 0 : -128);
  const feeds = Object.fromEntries(inputs.map(({ dims, data }, i) => [`x${i}`, float32(data, dims)]));
  await withSession(
    modelOf(spec, grid, convolved),
    async (session) => {
      const outputs = await session.run(feeds);
      const wanted = expected(spec, inputs);
      session.outputNames.forEach((name, i) => {
        expect(outputs[name]!.dims).toEqual(wanted[i]!.dims);
        expect([...(outputs[name]!.data as Float32Array)]).toEqual([...wanted[i]!.data]);
      });
      const { steps } = await session.info();
      const moves = steps.filter(({ kernel }) => kernel === 'gather_channels');
      // Groups of one channel stay where they are.
      expect(moves).toHaveLength(spec.groups === sum(spec.sources) ? 0 : spec.parts.length);
      expect(steps.map(({ kernel }) => kernel)).not.toContain('slice');
    },
    { threadsPerStream },
  );
}

describe.each<[string, Grid | undefined]>([
  ['float32', undefined],
  ['uint8', { dtype: 'uint8', scale: SCALE, zero: 0 }],
  ['int8', { dtype: 'int8', scale: SCALE, zero: 0 }],
])('channels of %s', (_, grid) => {
  describe('between convolutions', () => test.each(CASES)('%s', async (__, spec) => check(spec, grid)));

  describe('of row-major values', () => test.each(CASES)('%s', async (__, spec) => check(spec, grid, false)));

  test('in a team of two', async () => {
    await check({ images: [3, 40, 31], sources: [32, 32], groups: 2, parts: [32, 32] }, grid, true, 2);
    await check({ images: [3, 40, 31], sources: [32, 32], groups: 4, parts: [20, 44] }, grid, true, 2);
  });

  test('of any number, in any groups and parts', async () => {
    const cases = fc
      .record({
        images: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 4 }),
        groups: fc.integer({ min: 1, max: 6 }),
        size: fc.integer({ min: 1, max: 9 }),
        cuts: fc.tuple(
          fc.double({ min: 0, max: 1, noNaN: true }),
          fc.double({ min: 0, max: 1, noNaN: true }),
        ),
      })
      .map(({ images, groups, size, cuts }) => {
        const channels = groups * size;
        const [sources, parts] = cuts.map((cut) => {
          const first = Math.floor(cut * channels);
          return [first, channels - first].filter((count) => count > 0);
        });
        return { images, groups, sources: sources!, parts: parts! };
      })
      // Those of one group or of one channel are no shuffles.
      .filter(({ groups, sources }) => groups > 1 && groups < sum(sources));
    await fc.assert(
      fc.asyncProperty(cases, fc.boolean(), (spec, convolved) => check(spec, grid, convolved)),
      { numRuns: 40, seed: 20260101 },
    );
  });
});

describeWithVnni('between INT8 convolutions', () => {
  test('nothing is reordered', async () => {
    const spec: Case = { images: [1, 9, 7], sources: [16, 16], groups: 2, parts: [16, 16] };
    await withSession(modelOf(spec, { dtype: 'uint8', scale: SCALE, zero: 0 }), async (session) => {
      const { steps } = await session.info();
      const moves = steps.filter(({ kernel }) => kernel === 'gather_channels');
      expect(moves.map(({ reorders }) => reorders)).toEqual([[], []]);
    });
  });
});

test.each<DataType>(['int64', 'float16', 'int32', 'bool', 'float64', 'uint16'])(
  'elements of %s move as they are',
  async (dtype) => {
    const m = new ModelBuilder();
    const x = m.input('x', [2, 6, 3, 5], dtype);
    const split = m.node('Reshape', [x, m.constant([2, 2, 3, 3, 5], [5], 'int64')]);
    const turned = m.node('Transpose', [split], { perm: [0, 2, 1, 3, 4] });
    m.output(m.node('Reshape', [turned, m.constant([2, 6, 3, 5], [4], 'int64')]), dtype);
    const data =
      dtype === 'float16'
        ? new Tensor(dtype, Uint16Array.from({ length: 180 }, (_, i) => i), [2, 6, 3, 5]) // prettier-ignore
        : randomTensor(new Random(1), dtype, [2, 6, 3, 5]);
    await withSession(m, async (session) => {
      const [y] = Object.values(await session.run({ x: data }));
      const pixels = (tensor: Tensor, image: number, channel: number): unknown[] => {
        const start = (image * 6 + channel) * 15;
        return Array.from<unknown>(tensor.data).slice(start, start + 15);
      };
      for (const image of [0, 1])
        [0, 3, 1, 4, 2, 5].forEach((from, to) =>
          expect(pixels(y!, image, to)).toEqual(pixels(data, image, from)),
        );
      const { steps } = await session.info();
      expect(steps.map(({ kernel }) => kernel)).toEqual(['gather_channels']);
    });
  },
);

describe('a step that does not fit is refused', () => {
  const value = (dims: readonly number[], more: Partial<PlanValue> = {}): PlanValue => ({
    name: `v${dims.join('x')}`,
    dtype: 'float32',
    kind: 'input',
    dims,
    quantization: undefined,
    constant: -1,
    ...more,
  });
  const scaled = {
    quantization: { scale: Float32Array.of(0.5), zeroPoint: Int32Array.of(0), axis: -1 },
    dtype: 'uint8',
  } as const;

  test.each<[string, readonly PlanValue[], PlanValue, readonly number[], RegExp]>([
    ['a channel that no source has', [value([1, 2, 3]), value([1, 2, 3])], value([1, 1, 3]), [4], /0 to 3/],
    ['a negative channel', [value([1, 2, 3])], value([1, 1, 3]), [-1], /0 to 1 in parameter 'channels'/],
    ['too few channels', [value([1, 2, 3])], value([1, 2, 3]), [0], /expected 2 integers/],
    ['pixels that differ', [value([1, 2, 3])], value([1, 1, 4]), [0], /does not fit \[1, 1, 4\]/],
    ['batches that differ', [value([2, 2, 3])], value([1, 1, 3]), [0], /does not fit/],
    ['ranks that differ', [value([1, 2, 3, 1])], value([1, 1, 3]), [0], /does not fit/],
    ['types that differ', [value([1, 2, 3], { dtype: 'int32' })], value([1, 1, 3]), [0], /type or quant/],
    ['scales that differ', [value([1, 2, 3], { dtype: 'uint8' })], value([1, 1, 3], scaled), [0], /quantiz/],
    ['a value without channels', [value([2])], value([2]), [0, 1], /has no channels/],
    ['no source', [], value([1, 1, 3]), [0], /at least 1 source/],
  ])('%s', async (_, sources, destination, channels, message) => {
    const indices = sources.map((__, index) => index);
    const plan: Plan = {
      values: [...sources, { ...destination, name: 'y', kind: 'temporary' }],
      steps: [
        {
          kernel: 'gather_channels',
          name: 'moved',
          sources: indices,
          destinations: [sources.length],
          params: { channels: { i64s: channels } },
          postOps: [],
        },
      ],
      inputs: indices,
      outputs: [sources.length],
      constants: [],
    };
    const session = new (loadAddon().Session)({ streams: 1, threadsPerStream: 1 });
    await expect((async () => session.compile(encodePlan(plan), []))()).rejects.toMatchObject({
      code: 'INVALID_PLAN',
      message: expect.stringMatching(message),
    });
    await session.close();
  });
});
