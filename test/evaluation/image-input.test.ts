import { ImageInput } from '../../lib/evaluation/image-input';
import { PRESETS } from '../../lib/evaluation/preprocessing';
import type { InputMetadata } from '../../lib/evaluation/runnable';

const preprocessing = { ...PRESETS.symmetric, crop: 2 };
const input = (shape: (number | string)[], type: InputMetadata['type'] = 'float32'): InputMetadata => ({
  name: 'data',
  type,
  shape,
});

describe('ImageInput', () => {
  test('builds batches and repeats the last image to fill one', () => {
    const images = [Uint8Array.from({ length: 12 }, () => 0), Uint8Array.from({ length: 12 }, () => 255)];
    const { data } = new ImageInput([input(['N', 3, 2, 2])], preprocessing, 3).feed(images);
    expect(data!.dims).toEqual([3, 3, 2, 2]);
    expect([...data!.data]).toEqual([...Array(12).fill(-1), ...Array(24).fill(1)]);
  });

  test.each([
    ['NCHW', [1, 3, 2, 5]],
    ['NHWC', [1, 2, 5, 3]],
  ] as const)('feeds images that are wider than high: %s', (layout, dims) => {
    const wide = { ...preprocessing, crop: [2, 5] as const, layout };
    const pixels = Uint8Array.from({ length: 30 }, (_, i) => (Math.floor(i / 3) % 5) * 51);
    const { data } = new ImageInput([input([...dims])], wide).feed([pixels]);
    expect(data!.dims).toEqual(dims);
    const stride = layout === 'NCHW' ? 1 : 3;
    const row = [0, 1, 2, 3, 4].map((x) => data!.data[x * stride]);
    expect(row).toEqual([0, 51, 102, 153, 204].map((level) => Math.fround((level - 127.5) / 127.5)));
  });

  test('takes the batch of a network that fixes it', () => {
    expect(new ImageInput([input([4, 3, 2, 2])], preprocessing).batch).toBe(4);
    expect(new ImageInput([input(['', 3, 'H', 'W'])], preprocessing).batch).toBe(1);
    expect(() => new ImageInput([input([4, 3, 2, 2])], preprocessing, 2)).toThrow(/batch of 4.*fixed/);
  });

  test.each([
    [[], /one input.* has 0/],
    [[input(['N', 3, 2, 2]), input(['N', 1])], /one input.* has 2: data, data/],
    [[input(['N', 3, 2, 2], 'int64')], /float32 input "data" but it is int64/],
    [[input(['N', 3, 5, 5])], /\[1, 3, 2, 2\].*\[N, 3, 5, 5\]. Use --resize and --crop 5/],
    [[input(['N', 3, 5, 7])], /\[N, 3, 5, 7\]. Use --resize 5x7 .* and --crop 5x7/],
    [[input(['', 2, 2, 3])], /it is \[\?, 2, 2, 3\]. Set "layout"/],
    [[input(['N', 1, 2, 2])], /Set "channels"/],
    [[input(['N', 12])], /Only networks with images/],
  ])('refuses what does not fit: %#', (inputs, message) => {
    expect(() => new ImageInput(inputs, preprocessing)).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(message) as string,
      }),
    );
  });
});
