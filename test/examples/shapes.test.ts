import { createHash } from 'node:crypto';
import { CLASS_NAMES, IMAGE_SIZE, SPLIT_SIZES, renderImage, type Split } from '../../examples/shapes';

const SPLITS = Object.keys(SPLIT_SIZES) as Split[];

function fingerprint(split: Split, indices: readonly number[]): string {
  const hash = createHash('sha256');
  for (const index of indices) hash.update(renderImage(split, index).pixels);
  return hash.digest('hex');
}

describe('shapes', () => {
  // The trained networks in examples/networks belong to exactly these images.
  test.each<[Split, string]>([
    ['train', 'c5d304b4820ab02f75c467ff8b8db412b342fe9380d25b3eae66ad6169b5ad28'],
    ['calibration', 'e8dbaf5932ec189aa5f20f5a82fd0b39dcf3f57b50d77a91eea86a2fe8a21b5d'],
    ['validation', '9bb7c0756bdfaa3d70f4c7f0af99616724ea7a880b0161194c4d58a7fd82cb3c'],
  ])('renders the same %s images on every machine', (split, expected) => {
    const indices = Array.from({ length: 24 }, (_, i) => i);
    expect(fingerprint(split, indices)).toBe(expected);
  });

  test('an image does not depend on what was rendered before it', () => {
    const alone = fingerprint('validation', [1000]);
    fingerprint('validation', [7, 999]);
    expect(fingerprint('validation', [1000])).toBe(alone);
  });

  test.each(SPLITS)('has as many %s images of every class', (split) => {
    expect(SPLIT_SIZES[split] % CLASS_NAMES.length).toBe(0);
    const labels = CLASS_NAMES.map((_, i) => renderImage(split, SPLIT_SIZES[split] - 1 - i).label);
    expect(new Set(labels).size).toBe(CLASS_NAMES.length);
  });

  test('shares no image between splits or within one', () => {
    const seen = new Set<string>();
    for (const split of SPLITS) {
      for (let i = 0; i < 240; i++) seen.add(fingerprint(split, [i]));
    }
    expect(seen.size).toBe(SPLITS.length * 240);
  });

  test('images are IMAGE_SIZE x IMAGE_SIZE RGB with contrast', () => {
    const { pixels } = renderImage('train', 0);
    expect(pixels).toHaveLength(IMAGE_SIZE * IMAGE_SIZE * 3);
    expect(Math.max(...pixels) - Math.min(...pixels)).toBeGreaterThan(50);
  });

  test.each([-1, 0.5, NaN, SPLIT_SIZES.calibration])('refuses the index %p', (index) => {
    expect(() => renderImage('calibration', index)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});
