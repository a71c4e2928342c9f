import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import sharp from 'sharp';
import { readImageFolder, spread } from '../../lib/evaluation/dataset';
import { decodeImage, loadPixels } from '../../lib/evaluation/image';
import { PRESETS } from '../../lib/evaluation/preprocessing';
import { dataPath, describeWithData } from '../support/data';
import { temporaryFolder, writeImage } from './support';

const folder = temporaryFolder();
const crop4 = { ...PRESETS.imagenet, resize: null, crop: 4 };

describe('decodeImage', () => {
  test('gives RGB as it is', async () => {
    const file = await writeImage(folder.path('rgb.png'), [10, 20, 30], [5, 3]);
    const { data, width, height, channels } = await decodeImage(file);
    expect([width, height, channels]).toEqual([5, 3, 3]);
    expect([...data.subarray(0, 6)]).toEqual([10, 20, 30, 10, 20, 30]);
  });

  test('spreads gray to three channels', async () => {
    const file = folder.path('gray.JPEG');
    const raw = { width: 8, height: 8, channels: 1 } as const;
    writeFileSync(file, await sharp(Buffer.alloc(64, 77), { raw }).toColourspace('b-w').jpeg().toBuffer());
    const { data, channels } = await decodeImage(file);
    expect(channels).toBe(3);
    expect(data).toHaveLength(192);
    expect(new Set(data)).toEqual(new Set([77]));
  });

  test('drops alpha without blending', async () => {
    const file = folder.path('alpha.png');
    const raw = { width: 2, height: 2, channels: 4 } as const;
    await sharp(Buffer.from(Array(4).fill([200, 100, 50, 0]).flat() as number[]), { raw })
      .png()
      .toFile(file);
    expect([...(await decodeImage(file)).data.subarray(0, 3)]).toEqual([200, 100, 50]);
  });

  test('turns CMYK into RGB', async () => {
    const file = folder.path('cmyk.jpg');
    const raw = { width: 8, height: 8, channels: 3 } as const;
    await sharp(Buffer.alloc(192, 255), { raw }).toColourspace('cmyk').jpeg({ quality: 100 }).toFile(file);
    const { channels, data } = await decodeImage(file);
    expect(channels).toBe(3);
    expect(Math.min(...data)).toBeGreaterThan(240);
  });

  test('ignores the EXIF orientation', async () => {
    const file = folder.path('turned.jpg');
    const raw = { width: 16, height: 8, channels: 3 } as const;
    await sharp(Buffer.alloc(384, 9), { raw }).withMetadata({ orientation: 6 }).jpeg().toFile(file);
    expect(await decodeImage(file)).toMatchObject({ width: 16, height: 8 });
  });

  test.each(['broken.jpg', 'truncated.jpg', 'absent.jpg'])('names the file of a %s', async (name) => {
    const file = folder.path(name);
    if (name.startsWith('broken')) writeFileSync(file, 'no image');
    if (name.startsWith('truncated')) {
      const whole = await writeImage(folder.path('whole.jpg'), [1, 2, 3], [64, 64]);
      const bytes = readFileSync(whole);
      writeFileSync(file, bytes.subarray(0, bytes.length / 2));
    }
    await expect(decodeImage(file)).rejects.toMatchObject({
      code: 'INVALID_DATASET',
      message: expect.stringContaining(`"${file}"`) as string,
    });
  });
});

describe('loadPixels', () => {
  test('crops without resizing', async () => {
    const file = await writeImage(folder.path('big.png'), [1, 2, 3], [7, 9]);
    expect(await loadPixels(file, crop4)).toHaveLength(48);
  });

  test('resizes the shorter side, up or down', async () => {
    const file = await writeImage(folder.path('tiny.png'), [50, 60, 70], [3, 2]);
    const pixels = await loadPixels(file, { ...crop4, resize: 5 });
    expect([...pixels.subarray(0, 3)]).toEqual([50, 60, 70]);
    expect(pixels).toHaveLength(48);
  });

  test('stretches to a height and a width', async () => {
    const file = await writeImage(folder.path('stretched.png'), [50, 60, 70], [30, 20]);
    const pixels = await loadPixels(file, { ...crop4, resize: [8, 40], crop: [8, 30] });
    expect(pixels).toHaveLength(8 * 30 * 3);
    expect([...pixels.subarray(-3)]).toEqual([50, 60, 70]);
  });

  test('refuses an image smaller than a crop of two sides', async () => {
    const file = await writeImage(folder.path('narrow.png'), [1, 2, 3], [9, 30]);
    await expect(loadPixels(file, { ...crop4, crop: [4, 10] })).rejects.toMatchObject({
      code: 'INVALID_DATASET',
      message: expect.stringMatching(/at least 4x10 .* but it has 9x30.*--resize 4x10/) as string,
    });
  });

  test('refuses an image smaller than the crop and says what to do', async () => {
    const file = await writeImage(folder.path('small.png'), [1, 2, 3], [9, 3]);
    await expect(loadPixels(file, crop4)).rejects.toMatchObject({
      code: 'INVALID_DATASET',
      message: expect.stringMatching(
        /at least 4x4 .*small\.png" but it has 9x3.*--resize 4 .*--crop/,
      ) as string,
    });
  });
});

describeWithData('agreement with Pillow on photographs', () => {
  // SHA-256 of the crops that Pillow 12 makes as in `open(file).convert('RGB')`, resize(LANCZOS), crop.
  test.each([
    ['imagenet-val/images', 50, null, 'eece0335e02aa7f23c40d51f0149018303a6b5d13b3c4480aca0961d0b03acaa'],
    ['imagenet-calib', 25, 256, '160338b77c50df52aba17a1c98dc06ce340b102e7dcd382b814fc711b77db4ff'],
  ])('%s: every pixel is equal', async (name, count, resize, digest) => {
    const hash = createHash('sha256');
    for (const { file } of spread(await readImageFolder(dataPath(name)!), count))
      hash.update(await loadPixels(file, { ...PRESETS.imagenet, resize }));
    expect(hash.digest('hex')).toBe(digest);
  });
});
