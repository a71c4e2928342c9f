import { searchScales } from '../../lib/refinement/scale-search';
import { noise } from '../calibration/calibrated';
import { Random } from '../support/random';
import { float32 } from '../support/run';
import { CASES, refined, type Layer } from './layers';
import { OPTIONS } from './support';

const search: Parameters<typeof refined>[1] = (graph, node, original, layer) =>
  searchScales(graph, node, original, layer, OPTIONS);

/** A channel of small weights and one great one, in turns with channels that have none. */
function outliers({ weights }: Layer, every: number): Float32Array {
  const values = new Random(4).floats(weights.reduce((a, b) => a * b, 1));
  return values.map((value, i) => (i % every === 0 ? 1.3 : 0.2 * value));
}

describe('searchScales', () => {
  it.each(CASES)('makes no error greater: %s', async (_, layer) => {
    const { nearest, refined: searched } = await refined(layer, search);
    expect(searched.error).toBeLessThanOrEqual(nearest.error * 1.001);
    searched.scales.forEach((scale, c) => expect(scale).toBeLessThanOrEqual(nearest.scales[c]!));
    for (const level of searched.levels) expect(Math.abs(level)).toBeLessThanOrEqual(127);
  });

  it('takes more than a decibel off the error where all that a window sees is alike', async () => {
    const samples = noise(40, [1, 3, 9, 9]).map(({ data, dims }, image) => {
      const brightness = Math.sin(image);
      return float32(Float32Array.from(data as Float32Array, (x) => brightness + 0.05 * x), dims); // prettier-ignore
    });
    const layer: Layer = { op: 'Conv', weights: [8, 3, 5, 5], samples };
    const { nearest, refined: searched } = await refined(layer, search);
    expect(10 * Math.log10(nearest.error / searched.error)).toBeGreaterThan(1);
    expect(searched.scales).not.toEqual(nearest.scales);
  });

  it('clips no great weight that matters', async () => {
    const layer: Layer = { op: 'Conv', weights: [4, 2, 3, 3], samples: noise(4, [1, 2, 12, 12], 5) };
    const { nearest, refined: searched } = await refined(layer, search, outliers(layer, 18));
    expect(searched.error).toBeLessThanOrEqual(nearest.error * 1.001);
  });

  it('leaves a layer alone where it gains less', async () => {
    const layer: Layer = { op: 'Gemm', weights: [64, 20], samples: noise(40, [16, 64], 6) };
    const { nearest, refined: searched } = await refined(layer, search);
    expect(searched).toEqual(nearest);
  });

  it('leaves a layer alone where what one half of the samples chose does not serve the other', async () => {
    const layer: Layer = { op: 'Gemm', weights: [64, 20], samples: noise(4, [1, 64], 6) };
    const blindly = await refined(layer, (graph, node, original, { all }) =>
      searchScales(graph, node, original, { all, halves: () => Promise.resolve([all, all]) }, OPTIONS),
    );
    expect(blindly.refined.scales).not.toEqual(blindly.nearest.scales);
    const { nearest, refined: searched } = await refined(layer, search);
    expect(searched).toEqual(nearest);
  });
});
