import { Normalizer } from '../../lib/evaluation/normalize';
import { PRESETS, type Preprocessing } from '../../lib/evaluation/preprocessing';

const SIDE = 3;
const pixels = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => (i * 29 + 7) % 256);

function normalize(preprocessing: Preprocessing): Float32Array {
  const normalizer = new Normalizer({ ...preprocessing, crop: SIDE });
  const result = new Float32Array(normalizer.size);
  normalizer.write(pixels, result, 0);
  return result;
}

describe('Normalizer', () => {
  test('imagenet: /255, mean and deviation of each channel, channels first', () => {
    const mean = [0.485, 0.456, 0.406];
    const std = [0.229, 0.224, 0.225];
    const result = normalize(PRESETS.imagenet);
    for (let c = 0; c < 3; ++c)
      for (let i = 0; i < 9; ++i)
        expect(result[c * 9 + i]).toBeCloseTo((pixels[3 * i + c]! / 255 - mean[c]!) / std[c]!, 6);
  });

  test('symmetric: 0 becomes -1 and 255 becomes 1, exactly', () => {
    const normalizer = new Normalizer({ ...PRESETS.symmetric, crop: 1 });
    const result = new Float32Array(3);
    normalizer.write(Uint8Array.of(0, 255, 51), result, 0);
    expect([...result]).toEqual([-1, 1, Math.fround(-0.6)]);
  });

  test('layout and order of channels only permute', () => {
    const plain = { ...PRESETS.imagenet, scale: 1, mean: [0, 0, 0], std: [1, 1, 1] } as const;
    expect([...normalize({ ...plain, layout: 'NHWC' })]).toEqual([...pixels]);
    const swapped = normalize({ ...plain, channels: 'BGR', layout: 'NHWC' });
    expect([...swapped]).toEqual([...pixels].map((_, i) => pixels[i - (i % 3) + 2 - (i % 3)]));
    const planes = normalize({ ...plain, channels: 'BGR' });
    for (let c = 0; c < 3; ++c)
      for (let i = 0; i < 9; ++i) expect(planes[c * 9 + i]).toBe(pixels[3 * i + 2 - c]);
  });

  test('mean and deviation follow the order of the channels that are fed', () => {
    const result = normalize({
      ...PRESETS.imagenet,
      channels: 'BGR',
      scale: 1,
      mean: [1, 2, 3],
      std: [1, 1, 1],
    });
    expect(result[0]).toBe(pixels[2]! - 1);
    expect(result[18]).toBe(pixels[0]! - 3);
  });

  test('gray is the brightness by ITU-R BT.601, and gray pixels keep theirs', () => {
    const gray = { ...PRESETS.imagenet, channels: 'gray', scale: 1, mean: [0], std: [1], crop: 1 } as const;
    const normalizer = new Normalizer(gray);
    const luma = (r: number, g: number, b: number): number => {
      const target = new Float32Array(1);
      normalizer.write(Uint8Array.of(r, g, b), target, 0);
      return target[0]!;
    };
    for (let level = 0; level < 256; ++level) expect(luma(level, level, level)).toBe(level);
    for (const [r, g, b] of [
      [200, 10, 30],
      [3, 250, 77],
      [0, 0, 255],
    ] as const)
      expect(Math.abs(luma(r, g, b) - (0.299 * r + 0.587 * g + 0.114 * b))).toBeLessThan(0.51);
    expect(normalizer.dims(2)).toEqual([2, 1, 1, 1]);
  });

  test('writes at an offset and nowhere else', () => {
    const normalizer = new Normalizer({ ...PRESETS.symmetric, crop: SIDE });
    const result = new Float32Array(3 * normalizer.size).fill(9);
    normalizer.write(pixels, result, normalizer.size);
    expect(result.subarray(0, normalizer.size).every((value) => value === 9)).toBe(true);
    expect(result.subarray(2 * normalizer.size).every((value) => value === 9)).toBe(true);
    expect(result.subarray(normalizer.size, 2 * normalizer.size)).toEqual(normalize(PRESETS.symmetric));
  });
});
