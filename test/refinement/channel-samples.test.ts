import fc from 'fast-check';
import { sampleChannels } from '../../lib/refinement/channel-samples';
import { Tensor } from '../../lib';
import { noise } from '../calibration/calibrated';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { canonical, OPTIONS, valueNamed } from './support';

/** x -> LeakyRelu -> y -> GlobalMaxPool -> z, and an input that neither needs. */
function network() {
  const model = new ModelBuilder();
  const x = model.input('x', ['N', 3, 'L']);
  const other = model.input('other', [1]);
  const y = model.node('LeakyRelu', [x], { alpha: { float: 0.5 } });
  const z = model.node('GlobalMaxPool', [y]);
  model.output(model.node('Flatten', [z]), 'float32', ['N', 3]);
  model.output(model.node('Neg', [other]), 'float32', [1]);
  return { model, y, z };
}

const [unused] = noise(1, [1]);

describe('sampleChannels', () => {
  it('finds the greatest magnitude of each channel, and elements that are in it', async () => {
    const shapes = fc.record({
      seed: fc.integer(),
      batch: fc.integer({ min: 1, max: 3 }),
      length: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 30, max: 70 })),
    });
    const { model, y } = network();
    const { graph } = await canonical(model);
    const value = valueNamed(graph, y.name);
    await fc.assert(
      fc.asyncProperty(shapes, async ({ seed, batch, length }) => {
        const x = new Tensor('float32', new Random(seed).floats(batch * 3 * length), [batch, 3, length]);
        const [[sample]] = (await sampleChannels(graph, [value], [[x, unused!]], OPTIONS)) as [[never]];
        const { greatest, elements, kept } = sample as Awaited<ReturnType<typeof sampleChannels>>[0][0];
        expect(kept).toBe(Math.min(32, batch * length));
        for (let c = 0; c < 3; ++c) {
          const all: number[] = [];
          for (let n = 0; n < batch; ++n)
            for (let i = 0; i < length; ++i) {
              const element = x.data[(n * 3 + c) * length + i]!;
              all.push(element < 0 ? Math.fround(0.5 * element) : element);
            }
          expect(greatest[c]).toBe(Math.max(...all.map(Math.abs)));
          // Each from its own part of the channel, in order.
          const places = [...elements.subarray(c * kept, (c + 1) * kept)].map((e) => all.indexOf(e));
          places.forEach((place, k) => {
            expect(place).toBeGreaterThanOrEqual(Math.floor((k * all.length) / kept));
            expect(place).toBeLessThan(((k + 1) * all.length) / kept);
          });
        }
      }),
      { numRuns: 40 },
    );
  });

  it('gives a list over the samples for each value, in their order', async () => {
    const { model, y, z } = network();
    const { graph } = await canonical(model);
    const feeds = [...noise(2, [1, 3, 5]), ...noise(1, [2, 3, 40])].map((x) => [x, unused!]);
    const values = [z, y].map(({ name }) => valueNamed(graph, name));
    const [pooled, full] = await sampleChannels(graph, values, feeds, OPTIONS);
    expect(pooled!.map(({ kept }) => kept)).toEqual([1, 1, 2]);
    expect(full!.map(({ kept }) => kept)).toEqual([5, 5, 32]);
  });

  it('ends where its signal is aborted', async () => {
    const { model, y } = network();
    const { graph } = await canonical(model);
    const feeds = noise(2, [1, 3, 5]).map((x) => [x, unused!]);
    const signal = AbortSignal.abort(new Error('enough'));
    const sampling = sampleChannels(graph, [valueNamed(graph, y.name)], feeds, OPTIONS, signal);
    await expect(sampling).rejects.toThrow('enough');
  });
});
