import { isAbsolute, join, relative, resolve, dirname } from 'node:path';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { Calibr8Error, describe } from '../errors';

/** An image file of a data set, and what it shows where that is known. */
export interface Sample {
  readonly file: string;
  /** The network's index of the right class, offset included. */
  readonly label?: number;
  /** Where the label stands, for errors: "val_list.txt, line 3". */
  readonly origin?: string;
}

export interface DatasetOptions {
  /** Folder of the images. */
  data?: string | undefined;
  /** List file with lines `file label`; false: ignore labels; undefined: folders are classes where there are several. */
  labels?: string | false | undefined;
  /** Added to each label, for networks with a background class in front. */
  labelOffset?: number | undefined;
}

const EXTENSIONS = /\.(jpe?g|jpe|jfif|png|webp|tiff?|gif|avif)$/i;
const STATS_AT_ONCE = 64;

/**
 * The samples of a labelled or unlabelled data set, in a fixed order.
 * @throws INVALID_DATASET, FILE_ACCESS
 */
export async function openDataset({ data, labels, labelOffset = 0 }: DatasetOptions): Promise<Sample[]> {
  if (labels) return readLabelList(labels, data, labelOffset);
  if (data === undefined)
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      'Expected a folder of images or a list of labels but received neither.',
    );
  if (labels === undefined && (await hasClassFolders(data))) return readClassFolders(data, labelOffset);
  return readImageFolder(data);
}

/** Every image below a folder, sorted by its path in it. */
export async function readImageFolder(folder: string): Promise<Sample[]> {
  const files = await findImages(folder, new Set());
  if (files.length === 0) throw noImages(folder);
  const key = (file: string): string => relative(folder, file);
  return files.sort((a, b) => compare(key(a), key(b))).map((file) => ({ file }));
}

/** A folder a class: the label is the folder's place in the sorted list of folders. */
export async function readClassFolders(folder: string, labelOffset = 0): Promise<Sample[]> {
  const classes = (await list(folder)).folders.sort(compare);
  const samples: Sample[] = [];
  for (const [index, name] of classes.entries()) {
    const files = (await findImages(join(folder, name), new Set())).sort(compare);
    const label = index + labelOffset;
    for (const file of files) samples.push({ file, label, origin: `folder "${name}"` });
  }
  if (samples.length === 0) throw noImages(folder);
  return samples;
}

/** A list of `file label` lines; files are relative to `folder`, or to the list's own folder. */
export async function readLabelList(path: string, folder?: string, labelOffset = 0): Promise<Sample[]> {
  const base = folder ?? dirname(path);
  const samples: Sample[] = [];
  for (const [index, line] of (await readText(path)).split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const origin = `${path}, line ${index + 1}`;
    const match = /^\s*(.*\S)\s+(-?\d+)\s*$/.exec(line);
    if (!match)
      throw new Calibr8Error(
        'INVALID_DATASET',
        `Expected "file label" with an integer label in ${origin} but received ${describe(line)}.`,
      );
    const file = isAbsolute(match[1]!) ? match[1]! : join(base, match[1]!);
    samples.push({ file, label: Number(match[2]) + labelOffset, origin });
  }
  if (samples.length === 0)
    throw new Calibr8Error('INVALID_DATASET', `Expected lines "file label" in ${path} but it holds none.`);
  await checkFiles(samples, base);
  return samples;
}

/**
 * `count` samples spread evenly over the list, always the same ones; all of them where there are no more.
 * The rule is `samples[::max(1, len // count)][:count]`, so that other tools can pick the same images.
 */
export function spread<T>(samples: readonly T[], count: number): T[] {
  const step = Math.max(1, Math.floor(samples.length / count));
  return samples.filter((_, index) => index % step === 0).slice(0, count);
}

/**
 * Checks that every label is a class of a network with `classes` outputs.
 * @throws INVALID_DATASET naming the first that is not.
 */
export function checkLabels(samples: readonly Sample[], classes: number): void {
  for (const { file, label, origin } of samples) {
    if (label === undefined || (label >= 0 && label < classes)) continue;
    throw new Calibr8Error(
      'INVALID_DATASET',
      `Expected labels from 0 to ${classes - 1}, the outputs of the network, but "${file}" has ${label} (${origin ?? 'offset included'}). Check the list and --label-offset.`,
    );
  }
}

/** By code units, so that the order does not depend on the machine's language. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

async function hasClassFolders(folder: string): Promise<boolean> {
  const { files, folders } = await list(folder);
  // A single one tells nothing apart: it just holds the images, often beside a list of their labels.
  return files.length === 0 && folders.length > 1;
}

async function findImages(folder: string, visited: Set<string>): Promise<string[]> {
  const { files, folders } = await list(folder);
  // A link to a parent folder would be followed for ever.
  const real = await realpath(folder);
  if (visited.has(real)) return [];
  visited.add(real);
  const found = files.map((name) => join(folder, name));
  for (const name of folders)
    for (const file of await findImages(join(folder, name), visited)) found.push(file);
  return found;
}

/** Images and folders directly in a folder, hidden ones left out, links followed. */
async function list(folder: string): Promise<{ files: string[]; folders: string[] }> {
  const files: string[] = [];
  const folders: string[] = [];
  try {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue;
      const target = entry.isSymbolicLink() ? await statOrNull(join(folder, entry.name)) : entry;
      if (target?.isDirectory()) folders.push(entry.name);
      else if (target?.isFile() && EXTENSIONS.test(entry.name)) files.push(entry.name);
    }
  } catch (cause) {
    throw unreadable('a folder of images', folder, cause);
  }
  return { files, folders };
}

async function checkFiles(samples: readonly Sample[], base: string): Promise<void> {
  for (let start = 0; start < samples.length; start += STATS_AT_ONCE) {
    const group = samples.slice(start, start + STATS_AT_ONCE);
    const found = await Promise.all(group.map(({ file }) => statOrNull(file)));
    const missing = found.findIndex((stats) => !stats?.isFile());
    if (missing < 0) continue;
    const { file, origin } = group[missing]!;
    throw new Calibr8Error(
      'INVALID_DATASET',
      `Expected the image "${file}" (${origin}) but there is no such file. Files are looked up in "${base}"; --data names another folder.`,
    );
  }
}

async function statOrNull(path: string): Promise<Awaited<ReturnType<typeof stat>> | null> {
  return stat(path).catch(() => null);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw unreadable('a list of labels', path, cause);
  }
}

function unreadable(what: string, path: string, cause: unknown): Calibr8Error {
  const { code, message } = cause as NodeJS.ErrnoException;
  const reason =
    { ENOENT: 'there is none', ENOTDIR: 'it is not a folder', EISDIR: 'it is a folder' }[code ?? ''] ??
    message;
  return new Calibr8Error('FILE_ACCESS', `Expected ${what} at "${resolve(path)}" but ${reason}.`, { cause });
}

function noImages(folder: string): Calibr8Error {
  return new Calibr8Error(
    'INVALID_DATASET',
    `Expected images (.jpg, .JPEG, .png, .webp, .tiff, .gif, .avif) in "${resolve(folder)}" but found none.`,
  );
}
