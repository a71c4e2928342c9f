import { expected } from '../errors';

/** Follows and ends long work. */
export interface RefinementControl {
  /** Called after each layer. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** Ends the work by throwing the signal's reason; nothing is written then. */
  signal?: AbortSignal | undefined;
}

/** Checks what the caller gave. Throws INVALID_ARGUMENT naming the field. */
export function resolveControl(control: unknown = {}): RefinementControl {
  if (typeof control !== 'object' || control === null || Array.isArray(control))
    throw expected('an object { onProgress, signal }', 'control', control);
  const { onProgress, signal } = control as Record<string, unknown>;
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw expected('a function', 'control.onProgress', onProgress);
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw expected('an AbortSignal', 'control.signal', signal);
  return control as RefinementControl;
}
