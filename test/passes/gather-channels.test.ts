import fc from 'fast-check';
import type { Graph, Node, Value } from '../../lib/graph/graph';
import { sorted } from '../../lib/graph/order';
import { verify } from '../../lib/graph/verify';
import { readModel } from '../../lib/onnx';
import { gatherChannels } from '../../lib/passes/gather-channels';
import { EXECUTION, runPasses } from '../../lib/passes/pipeline';
import { calibrated, isQuantized, noise } from '../calibration/calibrated';
import { expectAgreement, randomTensor } from '../support/agree';
import { ModelBuilder, type Grid } from '../support/model';
import { Random } from '../support/random';
import { operators, typed } from './support';

const GRID: Grid = { dtype: 'uint8', scale: 0.05, zero: 100 };

type Dims = readonly number[];

const ints = (m: ModelBuilder, numbers: Dims): Value => m.constant(numbers, [numbers.length], 'int64');

const reshape = (m: ModelBuilder, x: Value, dims: Dims): Value => m.node('Reshape', [x, ints(m, dims)]);

/** A transposition of `split` between reshapes from and back to `dims`. */
function shuffle(m: ModelBuilder, x: Value, dims: Dims, split: Dims, perm: Dims): Value {
  return reshape(m, m.node('Transpose', [reshape(m, x, split)], { perm }), dims);
}

/** As exporters write it for two groups of 6 channels. */
const twoGroups = (m: ModelBuilder, x: Value): Value =>
  shuffle(m, x, [2, 6, 4, 5], [2, 2, 3, 4, 5], [0, 2, 1, 3, 4]);

async function lowered(model: ModelBuilder): Promise<Graph> {
  const graph = await readModel(model.bytes());
  runPasses(graph, EXECUTION);
  return graph;
}

const channelsOf = (graph: Graph): (Dims | undefined)[] =>
  sorted(graph)
    .filter(({ op }) => op === 'GatherChannels')
    .map((node: Node) => node.attributes.ints('channels'));

describe('a shuffle is one operator', () => {
  const turned = [0, 3, 1, 4, 2, 5];

  test.each<[string, Dims, Dims, Dims, Dims]>([
    ['with every axis', [2, 6, 4, 5], [2, 2, 3, 4, 5], [0, 2, 1, 3, 4], turned],
    ['of three groups', [2, 6, 4, 5], [2, 3, 2, 4, 5], [0, 2, 1, 3, 4], [0, 2, 4, 1, 3, 5]],
    ['with one axis for all pixels', [2, 6, 4, 5], [2, 2, 3, -1], [0, 2, 1, 3], turned],
    ['without the batch of 1', [1, 6, 4, 5], [2, 3, 4, 5], [1, 0, 2, 3], turned],
    ['with axes of 1 that move', [1, 6, 4, 5], [2, 3, 1, 20], [2, 1, 0, 3], turned],
    ['of one spatial axis', [2, 6, 7], [2, 2, 3, 7], [0, 2, 1, 3], turned],
    ['of three spatial axes', [2, 6, 2, 1, 3], [2, 2, 3, 6], [0, 2, 1, 3], turned],
    ['of pairs that stay together', [1, 8, 3, 3], [1, 2, 2, 2, 9], [0, 2, 1, 3, 4], [0, 1, 4, 5, 2, 3, 6, 7]],
    ['within halves', [1, 8, 3, 3], [2, 2, 2, 9], [0, 2, 1, 3], [0, 2, 1, 3, 4, 6, 5, 7]],
    [
      'that turns three axes around',
      [1, 8, 3, 3],
      [1, 2, 2, 2, 9],
      [0, 3, 2, 1, 4],
      [0, 4, 2, 6, 1, 5, 3, 7],
    ],
  ])('%s', async (_, dims, split, perm, channels) => {
    const m = new ModelBuilder();
    m.output(shuffle(m, m.node('Relu', [m.input('x', dims)]), dims, split, perm));
    const graph = await lowered(m);
    expect(operators(graph)).toEqual(['Relu', 'GatherChannels']);
    expect(channelsOf(graph)).toEqual([channels]);
    await expectAgreement(m, { x: randomTensor(new Random(1), 'float32', dims) }, 0);
  });

  test('for any size of the batch', async () => {
    const m = new ModelBuilder();
    m.output(shuffle(m, m.input('x', ['N', 6, 4, 5]), [-1, 6, 4, 5], [-1, 2, 3, 4, 5], [0, 2, 1, 3, 4]));
    for (const batch of [1, 3])
      await expectAgreement(m, { x: randomTensor(new Random(1), 'float32', [batch, 6, 4, 5]) }, 0);
  });

  test.each<[string, Dims, Dims, Dims, Dims?]>([
    ['pixels', [2, 6, 4, 4], [2, 6, 2, 2, 4], [0, 1, 3, 2, 4]],
    ['channels and pixels', [2, 4, 4, 5], [2, 4, 4, 5], [0, 2, 1, 3]],
    ['images', [2, 6, 4, 5], [2, 2, 3, 20], [1, 0, 2, 3]],
    ['nothing', [2, 6, 4, 5], [2, 2, 3, 4, 5], [0, 1, 2, 3, 4]],
    ['channels that then become pixels', [2, 6, 4, 5], [2, 2, 3, 4, 5], [0, 2, 1, 3, 4], [2, 3, 8, 5]],
    ['elements of a matrix', [4, 6], [4, 2, 3], [0, 2, 1]],
  ])('but not what moves %s', async (_, dims, split, perm, result = dims) => {
    const m = new ModelBuilder();
    const x = m.input('x', dims);
    m.output(reshape(m, m.node('Transpose', [reshape(m, x, split)], { perm }), result));
    expect(channelsOf(await lowered(m))).toEqual([]);
    await expectAgreement(m, { x: randomTensor(new Random(1), 'float32', dims) }, 0);
  });

  test('of any factors in any order', async () => {
    const sizes = (least: number, most: number): fc.Arbitrary<number[]> =>
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: least, maxLength: most });
    const cases = fc
      .record({ batch: sizes(1, 2), channels: sizes(2, 4), spatial: sizes(1, 2) })
      .chain(({ batch, channels, spatial }) => {
        const split = [...batch, ...channels, ...spatial];
        const every = split.map((_, axis) => axis);
        const perm = fc.shuffledSubarray(every, { minLength: every.length });
        // Both what moves channels alone and what moves anything.
        const own = fc
          .shuffledSubarray(
            channels.map((_, i) => batch.length + i),
            { minLength: channels.length },
          )
          .map((middle) => [
            ...every.slice(0, batch.length),
            ...middle,
            ...every.slice(batch.length + channels.length),
          ]);
        const product = (numbers: Dims): number => numbers.reduce((a, b) => a * b, 1);
        return fc.record({
          split: fc.constant(split),
          dims: fc.constant([product(batch), product(channels), ...spatial]),
          perm: fc.oneof(own, perm),
        });
      });
    let found = 0;
    await fc.assert(
      fc.asyncProperty(cases, async ({ dims, split, perm }) => {
        const m = new ModelBuilder();
        m.output(shuffle(m, m.input('x', dims), dims, split, perm));
        found += channelsOf(await lowered(m)).length;
        await expectAgreement(m, { x: randomTensor(new Random(1), 'float32', dims) }, 0);
      }),
      { numRuns: 100, seed: 20260101 },
    );
    expect(found).toBeGreaterThan(20);
  });
});

describe('with what joins and splits channels', () => {
  const parts = (m: ModelBuilder): Value[] =>
    [2, 4].map((channels, i) => m.node('Relu', [m.input(`x${i}`, [2, channels, 4, 5])]));
  const joined = (m: ModelBuilder): Value => m.node('Concat', parts(m), { axis: 1 });
  const feeds = {
    x0: randomTensor(new Random(1), 'float32', [2, 2, 4, 5]),
    x1: randomTensor(new Random(2), 'float32', [2, 4, 4, 5]),
  };

  test('Concat, shuffle and Split are an operator for each part', async () => {
    const m = new ModelBuilder();
    const sizes = ints(m, [2, 4]);
    for (const y of m.nodeWithOutputs('Split', [twoGroups(m, joined(m)), sizes], 2, { axis: 1 })) m.output(y);
    const graph = await lowered(m);
    expect(operators(graph)).toEqual(['Relu', 'Relu', 'GatherChannels', 'GatherChannels']);
    expect(channelsOf(graph)).toEqual([
      [0, 3],
      [1, 4, 2, 5],
    ]);
    for (const node of graph.nodes) if (node.op === 'GatherChannels') expect(node.inputs).toHaveLength(2);
    await expectAgreement(m, feeds, 0);
  });

  test('slices split as well, also backwards', async () => {
    const m = new ModelBuilder();
    const y = twoGroups(m, joined(m));
    const slice = (start: number, end: number, step: number): Value =>
      m.node('Slice', [y, ints(m, [start]), ints(m, [end]), ints(m, [1]), ints(m, [step])]);
    m.output(slice(0, 3, 1)).output(slice(-1, -5, -2));
    const graph = await lowered(m);
    expect(channelsOf(graph)).toEqual([
      [0, 3, 1],
      [5, 4],
    ]);
    await expectAgreement(m, feeds, 0);
  });

  test.each<[string, string[], (m: ModelBuilder) => void]>([
    [
      'a Concat that others read',
      ['Relu', 'Relu', 'Concat', 'GatherChannels'],
      (m) => {
        const x = joined(m);
        m.output(twoGroups(m, x)).output(x);
      },
    ],
    [
      'a Concat of pixels',
      ['Concat', 'GatherChannels'],
      (m) => {
        const x = m.input('x1', [2, 4, 4, 5]);
        const y = m.node('Concat', [x, x], { axis: 2 });
        m.output(shuffle(m, y, [2, 4, 8, 5], [2, 2, 2, 8, 5], [0, 2, 1, 3, 4]));
      },
    ],
    [
      'a Split whose source others read',
      ['Relu', 'Relu', 'GatherChannels', 'Split'],
      (m) => {
        const y = twoGroups(m, joined(m));
        for (const part of m.nodeWithOutputs('Split', [y, ints(m, [3, 3])], 2, { axis: 1 })) m.output(part);
        m.output(y);
      },
    ],
    [
      'a Split of pixels',
      ['Relu', 'Relu', 'GatherChannels', 'Split'],
      (m) => {
        const y = twoGroups(m, joined(m));
        for (const part of m.nodeWithOutputs('Split', [y, ints(m, [1, 3])], 2, { axis: 2 })) m.output(part);
      },
    ],
  ])('leaves %s', async (_, wanted, build) => {
    const m = new ModelBuilder();
    build(m);
    expect(operators(await lowered(m))).toEqual(wanted);
    const used = Object.entries(feeds).filter(([name]) => m.graph.inputs.some((each) => each.name === name));
    await expectAgreement(m, Object.fromEntries(used), 0);
  });
});

describe('leaves a shuffle whose values are wanted', () => {
  const operatorsOf = async (observe: (nodes: Node[]) => void): Promise<string[]> => {
    const m = new ModelBuilder();
    const x = m.node('Concat', [m.input('a', [2, 2, 4, 5]), m.input('b', [2, 4, 4, 5])], { axis: 1 });
    m.output(m.node('Slice', [twoGroups(m, x), ints(m, [0]), ints(m, [2]), ints(m, [1])]));
    const graph = await typed(m);
    observe(sorted(graph));
    gatherChannels.run(graph);
    verify(graph);
    return operators(graph);
  };
  const observing =
    (op: string, index = 0) =>
    (nodes: Node[]): void => {
      nodes.filter((node) => node.op === op)[index]!.outputs[0]!.observer = 0;
    };

  test.each<[string, string[], (nodes: Node[]) => void]>([
    ['nowhere', ['GatherChannels'], () => undefined],
    ['before it', ['Concat', 'GatherChannels'], observing('Concat')],
    ['within it', ['Concat', 'Reshape', 'Transpose', 'Reshape', 'Slice'], observing('Transpose')],
    ['behind it', ['GatherChannels', 'Slice'], observing('Reshape', 1)],
    ['at the end', ['GatherChannels'], observing('Slice')],
  ])('%s', async (_, wanted, observe) => expect(await operatorsOf(observe)).toEqual(wanted));

  test('as an output in the middle', async () => {
    const m = new ModelBuilder();
    const split = reshape(m, m.input('x', [2, 6, 4, 5]), [2, 2, 3, 4, 5]);
    const y = reshape(m, m.node('Transpose', [split], { perm: [0, 2, 1, 3, 4] }), [2, 6, 4, 5]);
    m.output(split).output(y);
    expect(channelsOf(await lowered(m))).toEqual([]);
  });
});

describe('in INT8', () => {
  const model = (...grids: Grid[]): ModelBuilder => {
    const m = new ModelBuilder();
    const [a, b] = grids.map((grid, i) => m.requantized(m.input(`x${i}`, [2, 3, 4, 5]), grid));
    const x = m.requantized(m.node('Concat', [a, b], { axis: 1 }), GRID);
    const split = m.requantized(reshape(m, x, [2, 2, 3, 4, 5]), GRID);
    const y = m.requantized(m.node('Transpose', [split], { perm: [0, 2, 1, 3, 4] }), GRID);
    return m.output(m.requantized(reshape(m, y, [2, 6, 4, 5]), GRID));
  };
  const feeds = {
    x0: randomTensor(new Random(1), 'float32', [2, 3, 4, 5]),
    x1: randomTensor(new Random(2), 'float32', [2, 3, 4, 5]),
  };

  test('bytes move, without conversions', async () => {
    const m = model(GRID, GRID);
    const graph = await lowered(m);
    expect(operators(graph)).toEqual([
      'QuantizeLinear',
      'QuantizeLinear',
      'GatherChannels',
      'DequantizeLinear',
    ]);
    const [node] = [...graph.nodes].filter(({ op }) => op === 'GatherChannels');
    for (const value of [...node!.inputs, ...node!.outputs]) expect(value!.dtype).toBe('uint8');
    await expectAgreement(m, feeds, 0);
  });

  test('parts with scales of their own are joined in float32 first', async () => {
    const m = model(GRID, { ...GRID, scale: 0.1 });
    const graph = await lowered(m);
    expect(operators(graph).filter((op) => !op.endsWith('Linear'))).toEqual(['Concat', 'GatherChannels']);
    await expectAgreement(m, feeds, 0);
  });

  test('a calibrated file has the operators of the network', async () => {
    const m = new ModelBuilder();
    const weights = (seed: number, o: number, i: number): Value =>
      m.constant(new Random(seed).floats(o * i, -0.5, 0.5), [o, i, 1, 1]);
    const a = m.node('Conv', [m.input('x', [2, 4, 4, 5]), weights(1, 3, 4)]);
    const b = m.node('Conv', [m.graph.inputs[0]!, weights(2, 3, 4)]);
    const y = twoGroups(m, m.node('Concat', [a, b], { axis: 1 }));
    const [c, d] = m.nodeWithOutputs('Split', [y, ints(m, [3, 3])], 2, { axis: 1 });
    m.output(m.node('Add', [m.node('Conv', [c!, weights(3, 2, 3)]), m.node('Conv', [d!, weights(4, 2, 3)])]));
    const saved = await calibrated(m, noise(4, [2, 4, 4, 5]));
    expect(operators(saved.graph)).toEqual(
      expect.arrayContaining(['Concat', 'Reshape', 'Transpose', 'Reshape', 'Split']),
    );
    expect(operators(saved.graph)).not.toContain('GatherChannels');
    expect([a, b].map((value) => isQuantized(saved.graph, value))).toEqual([true, true]);
    const graph = await readModel(saved.bytes);
    runPasses(graph, EXECUTION);
    expect(channelsOf(graph)).toEqual([
      [0, 3, 1],
      [4, 2, 5],
    ]);
  });
});
