import { Constant } from '../graph/constant';
import type { Value } from '../graph/graph';
import type { Pass } from './pass';

/** Bytes of a file below which what it keeps in memory does not matter. */
const LEAST = 2 ** 20;

/**
 * Copies constants that are views into a buffer of which less than half is still in use, mostly a model file whose weights were
 * replaced: the copies let go of the rest.
 */
export const detachConstants: Pass = {
  name: 'detach-constants',
  run(graph) {
    const views = new Map<ArrayBufferLike, Value[]>();
    for (const value of graph.values()) {
      const { constant } = value;
      if (!constant) continue;
      const { buffer } = storedBytes(constant);
      const others = views.get(buffer);
      if (others) others.push(value);
      else views.set(buffer, [value]);
    }
    let edits = 0;
    for (const [buffer, values] of views) {
      const used = values.reduce((sum, { constant }) => sum + storedBytes(constant!).byteLength, 0);
      if (buffer.byteLength < LEAST || used > buffer.byteLength / 2) continue;
      for (const value of values) {
        value.constant = detached(value.constant!);
        ++edits;
      }
    }
    return edits;
  },
};

/** What a constant keeps in memory, without computing it. */
const storedBytes = (constant: Constant): Uint8Array => constant.scaling?.base.bytes ?? constant.bytes;

function detached(constant: Constant): Constant {
  const { dtype, dims, scaling } = constant;
  const copy = new Uint8Array(storedBytes(constant));
  return new Constant(dtype, dims, scaling ? { ...scaling, base: new Constant(dtype, dims, copy) } : copy);
}
