import { learnRounding } from '../../lib/refinement/learned-rounding';
import { noise } from '../calibration/calibrated';
import { Random } from '../support/random';
import { float32 } from '../support/run';
import { CASES, refined, smooth } from './layers';
import { OPTIONS } from './support';

const learn: Parameters<typeof refined>[1] = (graph, node, _, layer) =>
  learnRounding(graph, node, layer.all, OPTIONS);

describe('learnRounding', () => {
  it.each(CASES)('takes a third off the error of %s', async (_, layer) => {
    const { nearest, refined: learned } = await refined(layer, learn);
    expect(learned.error).toBeLessThan((2 / 3) * nearest.error);
    expect(learned.levels).not.toEqual(nearest.levels);
    for (const level of learned.levels) expect(Math.abs(level)).toBeLessThanOrEqual(127);
  });

  it('finds the same levels whichever way a matrix is stored', async () => {
    const samples = smooth(6, [16, 12]);
    const { refined: learned } = await refined(
      { op: 'Gemm', weights: [5, 12], attributes: { transB: 1 }, samples },
      learn,
    );
    const values = new Random(9).floats(60);
    const transposed = values.map((_, i) => values[(i % 5) * 12 + Math.floor(i / 5)]!);
    const other = await refined({ op: 'Gemm', weights: [12, 5], samples }, learn, transposed);
    const { levels } = other.refined;
    expect(levels.map((_, i) => levels[(i % 12) * 5 + Math.floor(i / 12)])).toEqual(learned.levels);
  });

  it('leaves a layer alone that only zeros reach', async () => {
    const samples = noise(3, [4, 12]).map(({ dims }) => float32(new Float32Array(48), dims));
    const { nearest, refined: learned } = await refined({ op: 'Gemm', weights: [12, 5], samples }, learn);
    expect(learned.levels).toEqual(nearest.levels);
  });
});
