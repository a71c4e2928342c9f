import type { Writable } from 'node:stream';
import { Calibr8Error } from '../errors';
import type { Services } from './services';

/** Where a command reads and writes; tests put their own in place. */
export interface CliIo {
  /** Results: text for people, or JSON alone with --json. */
  readonly stdout: Writable;
  /** Notes, progress and errors. */
  readonly stderr: Writable & { isTTY?: boolean };
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal;
}

/** What every command gets. */
export interface Context {
  readonly io: CliIo;
  readonly services: Services;
}

export const EXIT = { ok: 0, failure: 1, usage: 2, interrupted: 130 } as const;

/** A wrong option or argument: exit code 2 instead of 1. */
export class UsageError extends Calibr8Error {
  constructor(message: string, options?: ErrorOptions) {
    super('INVALID_ARGUMENT', message, options);
  }
}

/** Prints to stdout: the result of a command. */
export function print(io: CliIo, text: string): void {
  io.stdout.write(`${text}\n`);
}

/** Prints to stderr: what a person wants to know and a machine does not. */
export function note(io: CliIo, text: string): void {
  io.stderr.write(`${text}\n`);
}

/** Prints one JSON document to stdout. Numbers that JSON cannot hold (Infinity, NaN) become null. */
export function printJson(io: CliIo, value: unknown): void {
  print(io, JSON.stringify(value, null, 2));
}

/**
 * Ends the process quietly once nobody reads its output, with `unread` as its exit code: a reader such as `head` may close the
 * pipe early.
 */
export function endWithReader(stdout: Writable, unread: number): void {
  stdout.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? unread : EXIT.failure),
  );
}
