import { realpath } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, win32 } from 'node:path';
import type { onnx } from 'onnx-proto';
import { Calibr8Error, describe } from '../errors';
import { openFile, readRange } from './files';
import { usedNames } from './read-graph';
import { byteSize, EXTERNAL, readDataType, readDims, type ExternalBytes } from './read-tensor';
import { invalid } from './proto';

/** Where a tensor's bytes are in another file. */
interface Reference {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/**
 * Reads the bytes of every used tensor that lives outside the model file, each range once, into a buffer of its own.
 * `folders` are where the files may be, the first in which it exists wins; undefined where the model came as bytes.
 */
export async function readExternalData(
  graph: onnx.IGraphProto,
  folders: readonly string[] | undefined,
): Promise<ExternalBytes> {
  const found = new Map<onnx.ITensorProto, Uint8Array>();
  const files = new ExternalFiles(folders);
  try {
    for (const [tensor, what] of externalTensors(graph)) {
      const dtype = readDataType(tensor, what);
      // A type that calibr8 does not have is refused, or ignored, where the tensor is used.
      if (dtype)
        found.set(
          tensor,
          await files.read(readReference(tensor, byteSize(dtype, readDims(tensor, what)), what), what),
        );
    }
  } finally {
    await files.close();
  }
  return found;
}

function* externalTensors(graph: onnx.IGraphProto): Generator<[onnx.ITensorProto, string]> {
  const used = usedNames(graph);
  for (const tensor of graph.initializer ?? []) {
    if (tensor.dataLocation === EXTERNAL && used.has(tensor.name ?? ''))
      yield [tensor, `tensor ${describe(tensor.name ?? '')}`];
  }
  for (const node of graph.node ?? []) {
    for (const { name, t } of node.attribute ?? []) {
      if (t?.dataLocation === EXTERNAL)
        yield [t, `attribute ${describe(name ?? '')} of ${node.opType} node ${describe(node.name ?? '')}`];
    }
  }
}

function readReference(tensor: onnx.ITensorProto, wanted: number, what: string): Reference {
  const entries = new Map((tensor.externalData ?? []).map(({ key, value }) => [key ?? '', value ?? '']));
  const location = entries.get('location') ?? '';
  if (
    location === '' ||
    location.includes('\0') ||
    isAbsolute(location) ||
    win32.isAbsolute(location) ||
    location.split(/[/\\]/).includes('..')
  ) {
    throw invalid(
      `Expected a path inside the model's folder for the external data of ${what} but received ${describe(location)}. A model may not reach other files; put the data beside it.`,
    );
  }
  const integer = (key: string, fallback: number): number => {
    const text = entries.get(key);
    if (text === undefined) return fallback;
    const number = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
    if (!Number.isSafeInteger(number)) {
      throw invalid(
        `Expected a whole number for the external data ${key} of ${what} but received ${describe(text)}.`,
      );
    }
    return number;
  };
  const length = integer('length', wanted);
  if (length !== wanted) {
    throw invalid(
      `Expected ${wanted} bytes of external data for ${what} but the model declares ${length}. The file is damaged or was written wrongly.`,
    );
  }
  return { location, offset: integer('offset', 0), length };
}

class ExternalFiles {
  readonly #open = new Map<string, { handle: FileHandle; size: number; path: string }>();
  readonly #ranges = new Map<string, Uint8Array>();

  constructor(readonly folders: readonly string[] | undefined) {}

  async read({ location, offset, length }: Reference, what: string): Promise<Uint8Array> {
    const key = `${offset} ${length} ${location}`;
    let bytes = this.#ranges.get(key);
    if (!bytes) {
      const { handle, size, path } = await this.#file(location, what);
      // Checked before memory is reserved, and again after reading in case the file shrinks meanwhile.
      if (offset + length <= size) bytes = await readRange(handle, path, offset, length);
      if (bytes?.byteLength !== length) {
        throw invalid(
          `Expected ${length} bytes at offset ${offset} of ${path} for ${what} but the file has ${size} bytes. Copy the data file again, whole and of the same export as the model.`,
        );
      }
      this.#ranges.set(key, bytes);
    }
    return bytes;
  }

  async close(): Promise<void> {
    for (const { handle } of this.#open.values()) await handle.close();
  }

  async #file(location: string, what: string): Promise<{ handle: FileHandle; size: number; path: string }> {
    let file = this.#open.get(location);
    if (!file) {
      const path = await this.#resolve(location, what);
      file = { ...(await openFile(path)), path };
      this.#open.set(location, file);
    }
    return file;
  }

  /** A symbolic link may not lead out either, unless beside the real model, as caches of linked files have it. */
  async #resolve(location: string, what: string): Promise<string> {
    if (!this.folders) {
      throw new Calibr8Error(
        'INVALID_ARGUMENT',
        `Expected the path of the model but received its bytes, and ${what} is stored in another file, ${describe(location)}. Give the path, so that the file is found beside the model.`,
      );
    }
    for (const folder of this.folders) {
      const real = await realpath(join(folder, location)).catch(() => undefined);
      if (real === undefined) continue;
      const roots = await Promise.all(this.folders.map((root) => realpath(root)));
      if (roots.some((root) => isInside(root, real))) return real;
      throw invalid(
        `Expected the external data of ${what} inside the model's folder but ${describe(location)} is a link to ${real}. Put the data itself beside the model.`,
      );
    }
    throw new Calibr8Error(
      'FILE_ACCESS',
      `Cannot read the external data of ${what}: there is no file ${describe(location)} in ${this.folders[0]}. Put the data file that came with the model beside it.`,
    );
  }
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return !isAbsolute(way) && !way.split(/[/\\]/).includes('..');
}

/** The folders in which the data of the model at `path` may be: its own, and that of the file it is a link to. */
export async function dataFolders(path: string): Promise<string[]> {
  const real = await realpath(path).catch(() => path);
  return [...new Set([dirname(path), dirname(real)])];
}
