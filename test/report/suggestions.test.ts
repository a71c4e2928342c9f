import type { Comparison, TensorComparison } from '../../lib/report/comparison';
import { overall, suggestionsFor } from '../../lib/report/suggestions';

/** A layer whose weights lose most, whose channels are shifted, and differ widely. */
const tensor: TensorComparison = {
  name: 'y',
  layer: { name: 'conv', op: 'Conv', weighted: true, input: 'x' },
  grid: { dtype: 'int8', scale: 0.01, zeroPoint: 0, bits: 8 },
  range: [-1.28, 1.27],
  count: 1000,
  sqnrDb: 20,
  ownSqnrDb: 25,
  clippedPercent: 0,
  levelsUsedPercent: 60,
  systematicPercent: 40,
  channelSpread: 9,
  equalized: false,
  histogram: { low: -1, high: 1, counts: [1] },
  observers: [{ observer: 'max', low: -1, high: 1, sqnrDb: 38 }],
  rangeSqnrDb: 38,
};

function comparison(refinement?: Readonly<Record<string, unknown>>): Comparison {
  return {
    samples: 50,
    tensors: [tensor],
    unmatched: [],
    outputs: [],
    layers: [
      {
        ...{ name: 'conv', op: 'Conv', dims: [1, 1, 1, 1], storedAs: 'int8', sqnrDb: 26 },
        low: Float32Array.of(-1),
        high: Float32Array.of(1),
      },
    ],
    precision: 'int8',
    int8Percent: 100,
    speed: undefined,
    receipt: refinement && { refinement },
  } as unknown as Comparison;
}

const flags = (list: readonly { flag?: string }[]): (string | undefined)[] => list.map(({ flag }) => flag);
const REFINEMENTS = ['--rounding learned', '--bias-correction', '--equalization'];

describe('suggestions', () => {
  it('name the refinement that answers each cause', () => {
    expect(flags(suggestionsFor(tensor, comparison()))).toEqual(REFINEMENTS);
    expect(flags(overall(comparison(), 'good', undefined))).toEqual(REFINEMENTS.slice(1));
  });

  it('doubt the preprocessing first where inputs leave the range that the file has for them', () => {
    const input = { ...tensor, layer: undefined, name: 'image', clippedPercent: 47, channelSpread: 1 };
    const [first, ...others] = overall({ ...comparison(), tensors: [input] }, 'good', undefined);
    expect(first).toMatchObject({ flag: '--preprocess', why: expect.stringMatching(/47.*"image"/) });
    expect(flags(others)).not.toContain('--preprocess');
    const clipped = { ...tensor, clippedPercent: 47 };
    expect(flags(overall({ ...comparison(), tensors: [clipped] }, 'good', undefined))).not.toContain(
      '--preprocess',
    );
  });

  it('do not name what the network was made with', () => {
    const some = comparison({ biasCorrection: true, equalization: false, rounding: 'nearest' });
    expect(flags(suggestionsFor(tensor, some))).toEqual(['--rounding learned', '--equalization']);
    expect(flags(overall(some, 'good', undefined))).toEqual(['--equalization']);
  });

  it('name no algorithm that the network was made with, and none after auto, which tries them all', () => {
    const better = { ...tensor, observers: [{ ...tensor.observers[0]!, observer: 'mse', sqnrDb: 45 }] };
    const made = (algorithm: string): Comparison => ({
      ...comparison(),
      tensors: [better],
      receipt: { algorithm },
    });
    const algorithms = (one: Comparison): (string | undefined)[] =>
      flags([...suggestionsFor(better, one), ...overall(one, 'good', undefined)]).filter((flag) =>
        flag?.startsWith('--algo'),
      );
    expect(algorithms(made('max'))).toEqual(['--algo mse', '--algo mse']);
    expect(algorithms(made('mse'))).toEqual([]);
    expect(algorithms(made('auto'))).toEqual([]);
  });

  it('are to leave the layer out, and why, where all else was tried', () => {
    const all = comparison({ biasCorrection: true, equalization: true, rounding: 'learned' });
    expect(suggestionsFor(tensor, all)).toEqual([
      { why: expect.stringMatching(/its weights/), remedy: expect.any(String), flag: '--exclude conv' },
    ]);
    expect(overall(all, 'good', undefined)).toEqual([]);
  });
});
