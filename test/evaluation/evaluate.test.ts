import { mkdirSync, writeFileSync } from 'node:fs';
import type { Sample } from '../../lib/evaluation/dataset';
import { evaluate } from '../../lib/evaluation/evaluate';
import { mapBounded } from '../../lib/evaluation/images';
import { PRESETS } from '../../lib/evaluation/preprocessing';
import { FakeNetwork, temporaryFolder, writeImage } from './support';

const folder = temporaryFolder();
// Feeds the 8-bit values themselves.
const preprocessing = { ...PRESETS.symmetric, resize: null, crop: 8, mean: [0, 0, 0], std: [1, 1, 1] };
/** Ten classes: the tens digit of the red level. */
const classify = (image: Float32Array): number[] =>
  Array.from({ length: 10 }, (_, i) => -Math.abs(image[0]! - 10 * i));
let samples: Sample[];

beforeAll(async () => {
  mkdirSync(folder.path('images'));
  samples = await Promise.all(
    Array.from({ length: 21 }, async (_, i) => ({
      file: await writeImage(folder.path('images', `${i}.png`), [10 * (i % 10), 5, 5]),
      label: i % 10,
    })),
  );
});

describe('evaluate', () => {
  test('scores a perfect network and reports progress to the end', async () => {
    const progress: number[] = [];
    const session = new FakeNetwork(classify);
    const onProgress = (done: number, total: number): void => void progress.push(done, total);
    const result = await evaluate({ session, samples, preprocessing, onProgress });
    expect(result).toMatchObject({ samples: 21, top1: 100, top5: 100 });
    expect(result).not.toHaveProperty('reference');
    expect(result.imagesPerSecond).toBeGreaterThan(result.endToEndImagesPerSecond);
    expect(progress.slice(-2)).toEqual([21, 21]);
    expect(session.mostActive).toBe(1);
  });

  test('gives the same whatever the batch and the streams', async () => {
    for (const [batch, streams] of [
      [1, 3],
      [4, 1],
      [5, 2],
      [32, 1],
    ] as const) {
      const session = new FakeNetwork(classify);
      const result = await evaluate({ session, samples, preprocessing, batch, streams });
      expect(result).toMatchObject({ samples: 21, top1: 100 });
      expect(session.mostActive).toBeLessThanOrEqual(streams);
      expect(session.feeds.every(({ data }) => data!.dims[0] === batch)).toBe(true);
    }
  });

  test('compares with a reference whose output has another name', async () => {
    // Wrong for label 3 of 0-9: 2 of 21 images.
    const session = new FakeNetwork((image) =>
      classify(image).map((value, i) => (i === 3 ? value - 100 : value)),
    );
    const reference = new FakeNetwork(classify);
    reference.outputNames[0] = 'other';
    const result = await evaluate({ session, reference, samples, preprocessing });
    expect(result.top1).toBeCloseTo((100 * 19) / 21, 10);
    expect(result.reference).toMatchObject({ top1: 100, top5: 100 });
    expect(result.agreement).toBeCloseTo((100 * 19) / 21, 10);
    const power = samples.reduce((sum, { label }) => {
      const logits = classify(Float32Array.of(10 * label!));
      return sum + logits.reduce((total, value) => total + value * value, 0);
    }, 0);
    expect(result.sqnrDb).toBeCloseTo(10 * Math.log10(power / (21 * 1e4)), 6);
  });

  test('without labels there is agreement but no accuracy', async () => {
    const unlabelled = samples.map(({ file }) => ({ file }));
    const network = (): FakeNetwork => new FakeNetwork(classify);
    const result = await evaluate({
      session: network(),
      reference: network(),
      samples: unlabelled,
      preprocessing,
    });
    expect(result).toMatchObject({ agreement: 100, sqnrDb: Infinity });
    expect(result).not.toHaveProperty('top1');
    expect(result.reference).not.toHaveProperty('top1');
  });

  test.each<[string, () => Partial<Parameters<typeof evaluate>[0]>, string, RegExp]>([
    ['no image', () => ({ samples: [] }), 'INVALID_DATASET', /received none/],
    [
      'a label that the network lacks',
      () => ({ samples: [{ ...samples[0]!, label: 10 }] }),
      'INVALID_DATASET',
      /0 to 9/,
    ],
    [
      'logits that are NaN',
      () => ({ session: new FakeNetwork(() => [NaN, 1]), samples: [{ file: samples[0]!.file }] }),
      'NON_FINITE_VALUE',
      /0\.png/,
    ],
    [
      'another number of classes',
      () => ({ reference: new FakeNetwork((x) => [...classify(x), 0]) }),
      'INVALID_ARGUMENT',
      /10 and .* 11/,
    ],
    [
      'an unknown output',
      () => ({ output: 'nope' }),
      'INVALID_ARGUMENT',
      /one of logits, but received "nope".*--logits/,
    ],
    [
      'a broken image',
      () => ({ samples: [...samples, { file: folder.path('broken.png') }] }),
      'INVALID_DATASET',
      /broken\.png/,
    ],
  ])('refuses %s', async (_, change, code, message) => {
    writeFileSync(folder.path('broken.png'), 'broken');
    const session = new FakeNetwork(classify);
    await expect(evaluate({ session, samples, preprocessing, ...change() })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });

  test('asks which of several outputs', async () => {
    const session = new FakeNetwork(classify);
    session.outputNames.push('second');
    await expect(evaluate({ session, samples, preprocessing })).rejects.toThrow(
      /the network has 2.*--logits/,
    );
    expect(await evaluate({ session, samples, preprocessing, output: 'second' })).toMatchObject({
      top1: 100,
    });
  });

  test('stops when told', async () => {
    const signal = AbortSignal.abort();
    const session = new FakeNetwork(classify);
    await expect(evaluate({ session, samples, preprocessing, signal })).rejects.toBe(signal.reason);
    expect(session.feeds).toHaveLength(0);
  });
});

describe('mapBounded', () => {
  test('keeps the order and the limit', async () => {
    let active = 0;
    let most = 0;
    const doubled = await mapBounded([5, 1, 4, 2, 3], 2, async (value) => {
      most = Math.max(most, ++active);
      await new Promise((resolve) => setTimeout(resolve, value));
      --active;
      return 2 * value;
    });
    expect(doubled).toEqual([10, 2, 8, 4, 6]);
    expect(most).toBe(2);
  });

  test('starts nothing after a failure', async () => {
    const started: number[] = [];
    const work = mapBounded([0, 1, 2, 3], 2, async (value) => {
      started.push(value);
      await Promise.resolve();
      if (value === 0) throw new Error('first');
    });
    await expect(work).rejects.toThrow('first');
    expect(started).not.toContain(3);
  });
});
