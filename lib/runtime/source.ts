import { expected } from '../errors';

/** A model argument as readModel takes it: a path or bytes. */
export function toSource(model: unknown, byteOffset?: number, byteLength?: number): string | Uint8Array {
  if (typeof model === 'string') return model;
  if (ArrayBuffer.isView(model))
    return new Uint8Array(model.buffer as ArrayBuffer, model.byteOffset, model.byteLength);
  // Worker threads and vm contexts have realms of their own, where instanceof fails.
  const kind = Object.prototype.toString.call(model);
  if (kind === '[object ArrayBuffer]' || kind === '[object SharedArrayBuffer]') {
    return new Uint8Array(model as ArrayBuffer, byteOffset ?? 0, byteLength);
  }
  throw expected('a path, Uint8Array or ArrayBuffer', 'the model', model);
}
