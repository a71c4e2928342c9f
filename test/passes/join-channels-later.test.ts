import type { Graph, Value } from '../../lib/graph/graph';
import { readModel } from '../../lib/onnx';
import { joinChannelsLater } from '../../lib/passes/join-channels-later';
import { EXECUTION, runPasses } from '../../lib/passes/pipeline';
import { expectAgreement, randomTensor } from '../support/agree';
import { ModelBuilder, type AttributeSpec } from '../support/model';
import { Random } from '../support/random';
import { expectSameAnswers, operators, typed } from './support';

const PARTS = [8, 4];

/** Parts of an image with so many channels each, joined. */
function joined(m: ModelBuilder, parts: readonly number[] = PARTS, batch = 2): Value {
  const inputs = parts.map((channels, index) => m.input(`x${index}`, [batch, channels, 6, 6]));
  return m.node('Concat', inputs, { axis: 1 });
}

interface Conv {
  from: number;
  to: number;
  kernel?: number;
  bias?: boolean;
  attributes?: Record<string, AttributeSpec>;
}

function conv(
  m: ModelBuilder,
  x: Value,
  { from, to, kernel = 1, bias = true, attributes = {} }: Conv,
): Value {
  const random = new Random(from + to);
  const dims = [to, from, kernel, kernel];
  const weights = m.constant(random.floats(dims.reduce((a, b) => a * b)), dims);
  return m.node('Conv', [x, weights, ...(bias ? [m.constant(random.floats(to), [to])] : [])], attributes);
}

async function passed(m: ModelBuilder): Promise<Graph> {
  const graph = await typed(m);
  expect(await expectSameAnswers(graph, joinChannelsLater)).toBeGreaterThan(0);
  return graph;
}

describe('join-channels-later', () => {
  test.each<[string, readonly number[], Conv]>([
    ['two parts', PARTS, { from: 12, to: 2 }],
    ['three parts', [8, 4, 12], { from: 24, to: 3 }],
    ['without a bias', PARTS, { from: 12, to: 3, bias: false }],
    [
      '3x3 windows with strides and pads',
      PARTS,
      { from: 12, to: 4, kernel: 3, attributes: { strides: [2, 2], pads: [1, 1, 1, 1] } },
    ],
  ])('a layer with few channels of its own sums over parts: %s', async (_, parts, spec) => {
    const m = new ModelBuilder();
    m.output(conv(m, joined(m, parts), spec));
    const wanted = parts.flatMap((_part, index) => (index ? ['Conv', 'Add'] : ['Conv']));
    expect(operators(await passed(m)).sort()).toEqual(wanted.sort());
  });

  test('sums and activations are part of the layers then', async () => {
    const m = new ModelBuilder();
    m.output(m.node('Relu', [conv(m, joined(m), { from: 12, to: 3 })]));
    const graph = await readModel(m.bytes());
    runPasses(graph, EXECUTION);
    expect(operators(graph)).toEqual(['Conv', 'Conv']);
    const feeds = PARTS.map((channels, index) => [
      `x${index}`,
      randomTensor(new Random(index), 'float32', [2, channels, 6, 6]),
    ]);
    await expectAgreement(m, Object.fromEntries(feeds));
  });

  test.each(['MaxPool', 'AveragePool'])('%s comes first, then what sums', async (pool) => {
    const m = new ModelBuilder();
    const pooled = m.node(pool, [joined(m)], { kernel_shape: [2, 2], strides: [2, 2] });
    m.output(conv(m, pooled, { from: 12, to: 3 }));
    expect(operators(await passed(m)).sort()).toEqual(['Add', 'Conv', 'Conv', pool, pool].sort());
  });

  test('pooling alone leaves less to join', async () => {
    const m = new ModelBuilder();
    m.output(m.node('GlobalAveragePool', [joined(m)]));
    expect(operators(await passed(m))).toEqual(['GlobalAveragePool', 'GlobalAveragePool', 'Concat']);
  });

  const pool = (m: ModelBuilder, x: Value, more: Record<string, AttributeSpec> = {}): Value =>
    m.node('MaxPool', [x], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], ...more });

  test.each<[string, (m: ModelBuilder) => void]>([
    ['many output channels', (m) => m.output(conv(m, joined(m), { from: 12, to: 7 }))],
    ['groups', (m) => m.output(conv(m, joined(m), { from: 6, to: 2, attributes: { group: 2 } }))],
    ['pooling that shrinks nothing', (m) => m.output(pool(m, joined(m)))],
    [
      'a pooling that also says where',
      (m) => {
        const attributes = { kernel_shape: [2, 2], strides: [2, 2] };
        const outputs = m.nodeWithOutputs('MaxPool', [joined(m)], 2, attributes);
        m.output(outputs[0]!);
        m.output(outputs[1]!, 'int64');
      },
    ],
    [
      'what is joined for others, too',
      (m) => {
        const x = joined(m);
        m.output(conv(m, x, { from: 12, to: 2 }));
        m.output(m.node('Relu', [x]));
      },
    ],
    [
      'what is an output',
      (m) => {
        const x = joined(m);
        m.output(conv(m, x, { from: 12, to: 2 }));
        m.output(x);
      },
    ],
    [
      'rows that are joined, not channels',
      (m) => {
        const inputs = [0, 1].map((index) => m.input(`x${index}`, [1, 12, 4, 6]));
        m.output(conv(m, m.node('Concat', inputs, { axis: 2 }), { from: 12, to: 2 }));
      },
    ],
    [
      'a part without channels',
      (m) => {
        const inputs = [12, 0].map((channels, index) => m.input(`x${index}`, [1, channels, 6, 6]));
        m.output(conv(m, m.node('Concat', inputs, { axis: 1 }), { from: 12, to: 2 }));
      },
    ],
    ['weights that are computed', (m) => m.output(m.node('Conv', [joined(m), m.input('w', [2, 12, 1, 1])]))],
    [
      'what comes from quantized numbers',
      (m) => {
        const grid = { dtype: 'uint8', scale: 0.01, zero: 0 } as const;
        const parts = [0, 1].map((index) => m.requantized(m.input(`x${index}`, [1, 6, 4, 4]), grid));
        m.output(conv(m, m.node('Concat', parts, { axis: 1 }), { from: 12, to: 2 }));
      },
    ],
  ])('leaves alone: %s', async (_, build) => {
    const m = new ModelBuilder();
    build(m);
    expect(joinChannelsLater.run(await typed(m))).toBe(0);
  });

  test('leaves alone: what is observed while calibrating', async () => {
    const m = new ModelBuilder();
    const x = joined(m);
    m.output(conv(m, x, { from: 12, to: 2 }));
    const graph = await typed(m);
    for (const value of graph.values()) if (value.name === x.name) value.observer = 0;
    expect(joinChannelsLater.run(graph)).toBe(0);
  });
});
