import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { version } from 'calibr8/package.json';
import { Calibr8Error, expected } from '../errors';
import { fileError } from '../onnx/files';
import { replaceFiles } from '../onnx/replace-files';
import { bitCount } from './overrides';
import { statisticsSchema } from './statistics-json';

const FORMAT = 1;
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits');
const threshold = z
  .number()
  .positive()
  .refine((x) => Math.fround(x) < Infinity, 'expected a number that fits a float32');

const schema = z.strictObject({
  /** Version of this format. */
  calibr8Table: z.literal(FORMAT),
  /** Version of calibr8 that wrote it. */
  version: z.string(),
  /** SHA-256 of the FP32 network that it belongs to. */
  model: sha256,
  settings: z.strictObject({
    algo: z.string(),
    overrides: z.array(z.looseObject({ match: z.string() })),
    firstConv: z.enum(['int8', 'fp32']),
    fullyConnected: z.enum(['int8', 'fp32']),
    residuals: z.enum(['rounded', 'exact']).optional(),
    averages: z.enum(['shared', 'own']).optional(),
    activations: z.enum(['symmetric', 'asymmetric']).optional(),
    weightScales: z.enum(['max', 'mse']).optional(),
    exclude: z.array(z.string()),
    /** Outputs of the network that are kept. */
    outputs: z.array(z.string()),
    preprocessing: z.string().optional(),
  }),
  samples: z.strictObject({ count: z.number().int().nonnegative(), sha256 }),
  /** The ranges, here for people to read and edit. */
  tensors: z.array(
    z.strictObject({
      name: z.string(),
      dtype: z.enum(['uint8', 'int8']),
      /** Bits that the levels use; absent where all 8 are. */
      bits: bitCount.optional(),
      /** |x| beyond it is clipped. One that differs from `calibrated` was edited, and stays. */
      threshold,
      /** What calibration chose. */
      calibrated: threshold,
      /** What chose it: an algorithm, or `range` for an override. */
      observer: z.string(),
      /** Of `auto`, the algorithm that it took. */
      chosen: z.string().optional(),
    }),
  ),
  /** What was measured, in the order of `tensors`; not for editing. */
  statistics: z.array(statisticsSchema.extend({ name: z.string() })),
});

/**
 * What a calibration measured and chose, as plain JSON. Tables of one model and the same settings merge exactly, see
 * {@link mergeTables}; `Calibrator.create({ model, table })` makes the INT8 model without any data. A `threshold` that a person
 * edits wins over what calibration chose.
 */
export type CalibrationTable = z.infer<typeof schema>;

/** Checks parsed JSON. `source` is where it came from, for errors. Throws INVALID_ARGUMENT naming the field. */
export function parseTable(json: unknown, source: string): CalibrationTable {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw damaged(source, `${fieldOf(json, issue!.path)}: ${issue!.message}`);
  }
  const { tensors, statistics } = parsed.data;
  const names = new Set<string>();
  tensors.forEach(({ name }, index) => {
    if (names.has(name)) throw damaged(source, `tensors names "${name}" twice`);
    names.add(name);
    if (statistics[index]?.name !== name)
      throw damaged(source, `statistics[${index}] is not that of tensor "${name}", as tensors[${index}] is`);
  });
  if (statistics.length > tensors.length)
    throw damaged(source, `statistics holds ${statistics.length} entries for ${tensors.length} tensors`);
  return parsed.data;
}

/** Reads a calibration table. Throws FILE_ACCESS, and INVALID_ARGUMENT naming the field that is wrong. */
export async function readTable(path: string): Promise<CalibrationTable> {
  if (typeof path !== 'string' || path === '') throw expected('a path', 'the calibration table', path);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw fileError('read', path, cause);
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw damaged(path, `it is not JSON: ${(cause as Error).message}`);
  }
  return parseTable(json, path);
}

/** Writes a calibration table as JSON; a file that stands there is replaced only by a whole one. */
export async function writeTable(table: CalibrationTable, path: string): Promise<void> {
  if (typeof path !== 'string' || path === '') throw expected('a path', 'the calibration table', path);
  const bytes = Buffer.from(textOf(parseTable(table, 'the table to write')));
  await replaceFiles([{ path, pieces: [{ position: 0, bytes }] }]);
}

/** JSON with a tensor a line. */
function textOf({ tensors, statistics, ...head }: CalibrationTable): string {
  const list = (entries: readonly unknown[]): string =>
    entries.map((entry) => `\n    ${JSON.stringify(entry)}`).join(',');
  const start = JSON.stringify(head, null, 2).replace(/\n}$/, ',');
  return `${start}\n  "tensors": [${list(tensors)}\n  ],\n  "statistics": [${list(statistics)}\n  ]\n}\n`;
}

/** The fields that every table of this version begins with. */
export const TABLE_HEADER = { calibr8Table: FORMAT, version } as const;

function damaged(source: string, what: string): Calibr8Error {
  return new Calibr8Error(
    'INVALID_ARGUMENT',
    `Expected a calibration table as calibr8 ${version} writes it in ${source} but ${what}.`,
  );
}

/** `tensors[3].threshold ("conv1")` */
function fieldOf(json: unknown, path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  const [list, index] = path;
  const entry =
    typeof index === 'number' ? (json as Record<PropertyKey, unknown[]>)[list!]?.[index] : undefined;
  const name = (entry as { name?: unknown } | null | undefined)?.name;
  return `${text.replace(/^\./, '') || 'the whole'}${typeof name === 'string' ? ` ("${name}")` : ''}`;
}
