import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { Calibr8Error } from '../errors';
import { allocate } from '../memory';

/** Linux transfers at most 2^31 - 4096 bytes a call. */
export const CHUNK = 2 ** 30;

/** A FILE_ACCESS error that says in words what the operating system refused. */
export function fileError(action: string, path: string, cause: unknown): Calibr8Error {
  return new Calibr8Error('FILE_ACCESS', `Cannot ${action} ${path}: ${reason(cause)}.`, { cause });
}

function reason(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file or folder; check the path';
    case 'ENOTDIR':
      return 'a part of the path is a file, not a folder';
    case 'EACCES':
    case 'EPERM':
      return 'permission was denied';
    case 'EISDIR':
      return 'it is a folder; give the path of a file';
    case 'ENOSPC':
      return 'the disk is full';
    case 'EROFS':
      return 'the file system is read-only';
    default:
      return message ?? String(cause);
  }
}

/**
 * Opens a regular file. Anything else (a folder, a pipe, a device) is refused before it is opened, since opening a pipe
 * waits for its other end and reading a device may never end.
 */
export async function openFile(path: string): Promise<{ handle: FileHandle; size: number }> {
  try {
    const status = await stat(path);
    if (status.isDirectory()) throw Object.assign(new Error('folder'), { code: 'EISDIR' });
    if (!status.isFile()) throw new Error('it is no regular file');
    return { handle: await open(path, 'r'), size: status.size };
  } catch (cause) {
    throw fileError('read', path, cause);
  }
}

/** Reads `length` bytes from `position` into a buffer of their own; fewer where the file ends before. */
export async function readRange(
  handle: FileHandle,
  path: string,
  position: number,
  length: number,
): Promise<Uint8Array> {
  // Not from Node's pool of small buffers, so that the bytes are aligned and their ArrayBuffer is theirs alone.
  const bytes = allocate(length);
  let filled = 0;
  try {
    while (filled < length) {
      const { bytesRead } = await handle.read(
        bytes,
        filled,
        Math.min(CHUNK, length - filled),
        position + filled,
      );
      if (bytesRead === 0) return bytes.subarray(0, filled);
      filled += bytesRead;
    }
  } catch (cause) {
    throw fileError('read', path, cause);
  }
  return bytes;
}
