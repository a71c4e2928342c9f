import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CHUNK, fileError } from './files';

/** A run of bytes at its place in a file; gaps read as zeros. */
export interface Piece {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** A file to write whole. */
export interface NewFile {
  readonly path: string;
  readonly pieces: readonly Piece[];
}

/**
 * Writes files that belong together, each by way of a temporary file beside it: none is replaced before all are whole
 * and on the disk. Whatever fails, no temporary file stays and what stood at a path before still stands, whole.
 *
 * write-file-atomic does the same for one file, but takes a short write (a disk that is full) for a success, which
 * would put a truncated model in the place of a good one.
 */
export async function replaceFiles(files: readonly NewFile[]): Promise<void> {
  const temporary = new Map<NewFile, string>();
  const removeNow = (): void => temporary.forEach((path) => rmSync(path, { force: true }));
  // A process that is told to exit meanwhile leaves nothing behind either.
  process.once('exit', removeNow);
  try {
    for (const file of files) {
      const path = `${file.path}.${randomBytes(6).toString('hex')}.tmp`;
      temporary.set(file, path);
      await attempt(file.path, () => writeWhole(path, file));
    }
    for (const [file, path] of [...temporary]) {
      await attempt(file.path, () => rename(path, file.path));
      temporary.delete(file);
    }
    for (const folder of new Set(files.map(({ path }) => dirname(path)))) await syncFolder(folder);
  } finally {
    for (const path of temporary.values()) await rm(path, { force: true });
    process.removeListener('exit', removeNow);
  }
}

async function attempt(path: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (cause) {
    throw fileError('write', path, cause);
  }
}

async function writeWhole(path: string, file: NewFile): Promise<void> {
  const standing = await stat(file.path).catch(() => undefined);
  // Found before anything is renamed: half of the files replaced would be worse than none.
  if (standing && !standing.isFile()) throw new Error('a folder or special file stands there');
  const handle = await open(path, 'wx', standing ? standing.mode & 0o777 : 0o666);
  try {
    for (const piece of file.pieces) await writePiece(handle, piece);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writePiece(handle: FileHandle, { position, bytes }: Piece): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const length = Math.min(CHUNK, bytes.byteLength - done);
    const { bytesWritten } = await handle.write(bytes, done, length, position + done);
    done += bytesWritten;
  }
}

/** Makes the renames last through a power failure; not every file system can, and none needs it for consistency. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
