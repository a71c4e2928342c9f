import { Calibr8Error, type ErrorCode } from '../errors';

/** Turns what the addon throws (an Error with a code) into the one error class of calibr8. */
export function rethrow(error: unknown): never {
  if (error instanceof Calibr8Error || !(error instanceof Error)) throw error;
  const { code } = error as { code?: ErrorCode };
  throw code ? new Calibr8Error(code, error.message, { cause: error }) : error;
}

/** Awaits a call of the addon. */
export async function native<T>(call: () => Promise<T> | T): Promise<T> {
  try {
    return await call();
  } catch (error) {
    return rethrow(error);
  }
}
