import { expected } from '../errors';
import type { Graph } from '../graph/graph';
import { readModel } from '../onnx';
import { loadAddon } from './load';

/** A model argument as readModel takes it: a path or bytes. */
export function toSource(model: unknown, byteOffset?: number, byteLength?: number): string | Uint8Array {
  // Worker threads and vm contexts have realms of their own, where instanceof fails.
  const kind = Object.prototype.toString.call(model);
  if (kind === '[object ArrayBuffer]' || kind === '[object SharedArrayBuffer]')
    return partOf(model as ArrayBuffer, byteOffset, byteLength);
  if (byteOffset !== undefined || byteLength !== undefined)
    throw expected('an ArrayBuffer, which byteOffset and byteLength are for,', 'the model', model);
  if (typeof model === 'string') return model;
  if (ArrayBuffer.isView(model))
    return new Uint8Array(model.buffer as ArrayBuffer, model.byteOffset, model.byteLength);
  throw expected('a path, Uint8Array or ArrayBuffer', 'the model', model);
}

/** Reads a model that is going to run: the addon, which that needs, prepares the memory for it. */
export function readToRun(source: string | Uint8Array): Promise<Graph> {
  loadAddon();
  return readModel(source);
}

function partOf(buffer: ArrayBuffer, byteOffset = 0, byteLength?: number): Uint8Array {
  const size = buffer.byteLength;
  if (!isIndex(byteOffset) || byteOffset > size)
    throw expected(`a whole number from 0 to ${size}, the buffer's bytes,`, 'byteOffset', byteOffset);
  const rest = size - byteOffset;
  if (byteLength !== undefined && (!isIndex(byteLength) || byteLength > rest))
    throw expected(
      `a whole number from 0 to ${rest}, the bytes from byteOffset on,`,
      'byteLength',
      byteLength,
    );
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function isIndex(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
