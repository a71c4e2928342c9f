/** Bytes from which on memory comes from the system page by page. */
const LARGE = 2 ** 20;

let prepare: (memory: Uint8Array) => void = () => undefined;

/**
 * Sets what makes the system provide all pages of some memory at once, which the addon can. One by one, as they are written first,
 * they take several times as long, in a virtual machine ten times. Without it memory is what it ever was.
 */
export function setPreparation(hook: (memory: Uint8Array) => void): void {
  prepare = hook;
}

/** Memory of its own ArrayBuffer, with contents to be overwritten. */
export function allocate(bytes: number): Uint8Array {
  const memory = new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
  if (bytes >= LARGE) prepare(memory);
  return memory;
}
