import { z } from 'zod';
import { Calibr8Error, describe, expected } from '../errors';
import { sidesOf, type Extent } from './resample';

const channelValues = z.array(z.number()).refine((list) => list.length === 1 || list.length === 3, {
  message: 'expected 3 numbers (1 for gray)',
});

const extent = z.union([z.int().positive(), z.tuple([z.int().positive(), z.int().positive()]).readonly()]);

const schema = z
  .strictObject({
    resize: extent.nullable().default(null),
    crop: extent,
    mean: channelValues.readonly(),
    std: channelValues
      .refine((list) => list.every((value) => value > 0), {
        message: 'expected numbers greater than 0',
      })
      .readonly(),
    scale: z.number().positive().default(1),
    layout: z.enum(['NCHW', 'NHWC']).default('NCHW'),
    channels: z.enum(['RGB', 'BGR', 'gray']).default('RGB'),
  })
  .refine(({ resize, crop }) => resize === null || covers(resize, crop), {
    path: ['resize'],
    message: 'expected at least the crop, since the crop is cut out of the resized image',
  });

/** False where no image that was resized so can hold the crop. */
function covers(resize: Extent, crop: Extent): boolean {
  const [height, width] = sidesOf(resize);
  const [cropHeight, cropWidth] = sidesOf(crop);
  return typeof resize === 'number'
    ? resize >= Math.min(cropHeight, cropWidth)
    : height >= cropHeight && width >= cropWidth;
}

/**
 * How an image becomes a network's input: `(x * scale - mean) / std` for each 8-bit channel value x.
 * `resize` is the length in pixels that the shorter side is resized to (null: the image keeps its size), or height and width that
 * the image is stretched to; `crop` is the side of the square cut from the middle, or height and width. `mean` and `std` are in the order of the channels that are fed, so blue first for `BGR`.
 */
export type Preprocessing = Readonly<z.infer<typeof schema>>;

export type PreprocessingOverrides = { resize?: Extent | null | undefined; crop?: Extent | undefined };

/** The named preprocessings: ImageNet's usual mean and deviation, and the range -1 to 1. */
export const PRESETS: Readonly<Record<'imagenet' | 'symmetric', Preprocessing>> = {
  imagenet: {
    resize: 256,
    crop: 224,
    scale: 1 / 255,
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
    layout: 'NCHW',
    channels: 'RGB',
  },
  symmetric: {
    resize: 256,
    crop: 224,
    scale: 1,
    mean: [127.5, 127.5, 127.5],
    std: [127.5, 127.5, 127.5],
    layout: 'NCHW',
    channels: 'RGB',
  },
};

/** Number of channels that a preprocessing feeds. */
export function channelCount(preprocessing: Preprocessing): number {
  return preprocessing.channels === 'gray' ? 1 : 3;
}

/**
 * Reads a preset's name or a JSON object, applies `overrides` and checks the result. An object may begin from a preset:
 * `{"preset": "imagenet", "crop": 192}`.
 * @throws INVALID_ARGUMENT that names the field and what it should hold.
 */
export function parsePreprocessing(text: string, overrides: PreprocessingOverrides = {}): Preprocessing {
  const base = findPreset(text) ?? readJson(text);
  const given = Object.entries(overrides).filter(([, value]) => value !== undefined);
  const result = schema.safeParse({ ...base, ...Object.fromEntries(given) });
  if (!result.success) throw invalid(result.error, text);
  const preprocessing = result.data;
  const channels = channelCount(preprocessing);
  for (const field of ['mean', 'std'] as const) {
    if (preprocessing[field].length !== channels)
      throw expected(
        `${channels} number${channels > 1 ? 's' : ''} (channels ${preprocessing.channels})`,
        `"${field}" of the preprocessing`,
        preprocessing[field],
      );
  }
  return preprocessing;
}

/** A short text that parsePreprocessing() turns back into the same preprocessing: a preset's name, or JSON. */
export function formatPreprocessing(preprocessing: Preprocessing): string {
  for (const [name, preset] of Object.entries(PRESETS)) {
    const changes = Object.entries(preprocessing).filter(
      ([field, value]) => JSON.stringify(value) !== JSON.stringify(preset[field as keyof Preprocessing]),
    );
    if (changes.length === 0) return name;
    if (changes.length <= 2) return JSON.stringify({ preset: name, ...Object.fromEntries(changes) });
  }
  return JSON.stringify(preprocessing);
}

function findPreset(name: unknown): Preprocessing | undefined {
  return typeof name === 'string' && Object.hasOwn(PRESETS, name)
    ? PRESETS[name as keyof typeof PRESETS]
    : undefined;
}

function readJson(text: string): object {
  const names = Object.keys(PRESETS).join(', ');
  const wanted = `${names} or a JSON object`;
  if (!text.trimStart().startsWith('{')) throw expected(wanted, 'the preprocessing', text);
  const { preset, ...fields } = parseJson(text, wanted);
  if (preset === undefined) return fields;
  const base = findPreset(preset);
  if (!base) throw expected(`one of ${names}`, '"preset" of the preprocessing', preset);
  return { ...base, ...fields };
}

function parseJson(text: string, wanted: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected ${wanted} for the preprocessing but received ${describe(text)}, which is not valid JSON: ${(cause as Error).message}.`,
      { cause },
    );
  }
}

function invalid(error: z.ZodError, text: string): Calibr8Error {
  const issues = error.issues.map((issue) => {
    const path = issue.path.join('.');
    return path ? `"${path}": ${issue.message}` : issue.message;
  });
  return new Calibr8Error(
    'INVALID_ARGUMENT',
    `The preprocessing ${describe(text)} cannot be used: ${issues.join('; ')}. It takes preset, resize, crop, mean, std, scale, layout and channels.`,
  );
}
