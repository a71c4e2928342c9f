import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  cropCenter,
  resizeAndCrop,
  resizedShorterSide,
  roundHalfEven,
  type Pixels,
} from '../../lib/evaluation/resample';

function pattern(width: number, height: number): Pixels {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; ++y)
    for (let x = 0; x < width; ++x)
      for (let c = 0; c < 3; ++c) data[(y * width + x) * 3 + c] = x * 37 + y * 91 + c * 53 + x * y * 17;
  return { data, width, height, channels: 3 };
}

/** One axis of the textbook formula in floating point: y[i] = sum x[j] L((j + 0.5 - center) / stretch) / sum L. */
function lanczosLine(line: readonly number[], size: number): number[] {
  const scale = line.length / size;
  const stretch = Math.max(1, scale);
  const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
  const kernel = (x: number): number => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0);
  return Array.from({ length: size }, (_, i) => {
    const weights = line.map((_, j) => kernel((j + 0.5 - (i + 0.5) * scale) / stretch));
    const total = weights.reduce((a, b) => a + b);
    return line.reduce((sum, value, j) => sum + (value * weights[j]!) / total, 0);
  });
}

const clamp = (value: number): number => Math.min(255, Math.max(0, Math.round(value)));

/** Whether 22 fraction bits may round `value` to the other side than floating point does. */
const isTie = (value: number): boolean => Math.abs(value - Math.floor(value) - 0.5) < 1e-3;

interface Reference {
  readonly values: Uint8Array;
  /** 1, or 2 where the first pass met a tie, which the second pass's negative lobes amplify. */
  readonly tolerance: Uint8Array;
}

function reference({ data, width, height }: Pixels, newWidth: number, newHeight: number): Reference {
  const values = new Uint8Array(newWidth * newHeight * 3);
  const tolerance = new Uint8Array(values.length);
  for (let c = 0; c < 3; ++c) {
    const rows = Array.from({ length: height }, (_, y) =>
      lanczosLine(
        Array.from({ length: width }, (_, x) => data[(y * width + x) * 3 + c]!),
        newWidth,
      ),
    );
    for (let x = 0; x < newWidth; ++x) {
      const column = rows.map((row) => row[x]!);
      lanczosLine(column.map(clamp), newHeight).forEach((value, y) => {
        values[(y * newWidth + x) * 3 + c] = clamp(value);
        tolerance[(y * newWidth + x) * 3 + c] = column.some(isTie) ? 2 : 1;
      });
    }
  }
  return { values, tolerance };
}

describe('resizeAndCrop', () => {
  // Made once with Pillow 12: Image.resize(size, LANCZOS).crop(...) of the same pattern.
  test('equals Pillow bit for bit, shrinking and enlarging', () => {
    const small = resizeAndCrop(pattern(13, 9), 9, 6, 5);
    expect(Buffer.from(small).toString('base64')).toBe(
      'l4S1g82oxGAnJyttN33Ep3CZYUeCY719w1UzSk2wRIt9iaePaXKZo39/WGaDcrdHVot4lmthZ5ZNPpRxh7R5qVSGcoCJqIh9Zmqp',
    );
    const large = resizeAndCrop(pattern(13, 9), 20, 14, 12);
    expect(createHash('sha256').update(large).digest('hex')).toBe(
      '0f5e07b5e7ed5098022ed0241d65ec784fc9e52cbefb41393109b85e5013b4a2',
    );
  });

  test('is within a level of the formula in floating point, whatever the sizes', () => {
    const size = fc.integer({ min: 3, max: 24 });
    fc.assert(
      fc.property(size, size, size, size, (width, height, newWidth, newHeight) => {
        const crop = [Math.min(newHeight, 20), newWidth] as const;
        const image = pattern(width, height);
        const cut = (data: Uint8Array): Uint8Array =>
          cropCenter({ data, width: newWidth, height: newHeight, channels: 3 }, crop);
        const { values, tolerance } = reference(image, newWidth, newHeight);
        const [wanted, allowed] = [cut(values), cut(tolerance)];
        const received = resizeAndCrop(image, newWidth, newHeight, crop);
        expect(received).toHaveLength(wanted.length);
        for (const [i, value] of received.entries())
          expect(Math.abs(value - wanted[i]!)).toBeLessThanOrEqual(allowed[i]!);
      }),
      { numRuns: 30, examples: [[18, 3, 21, 16]] },
    );
  });

  test('keeps an image of one color as it is', () => {
    const image = { data: new Uint8Array(30 * 20 * 3).fill(201), width: 30, height: 20, channels: 3 };
    expect(new Set(resizeAndCrop(image, 18, 12, 11))).toEqual(new Set([201]));
    expect(new Set(resizeAndCrop(image, 60, 40, 33))).toEqual(new Set([201]));
  });
});

test('cropCenter begins at floor((size - crop) / 2)', () => {
  const image = pattern(5, 4);
  expect([...cropCenter(image, 2)]).toEqual(
    [1, 2].flatMap((y) =>
      [1, 2].flatMap((x) => [...image.data.subarray((y * 5 + x) * 3, (y * 5 + x) * 3 + 3)]),
    ),
  );
  expect(cropCenter(image, 4)[0]).toBe(image.data[0]);
});

test('sizes round as in Python', () => {
  expect([0.5, 1.5, 2.5, 2.4, 2.6, 7].map(roundHalfEven)).toEqual([0, 2, 2, 2, 3, 7]);
  expect(resizedShorterSide(500, 375, 256)).toEqual([341, 256]);
  expect(resizedShorterSide(375, 500, 256)).toEqual([256, 341]);
  expect(resizedShorterSide(512, 515, 256)).toEqual([256, 258]);
});
