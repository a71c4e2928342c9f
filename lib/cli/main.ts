#!/usr/bin/env node
import type { CliIo } from './io';
import { endWithReader, EXIT } from './io';
import { libraryServices } from './library-services';
import { runCli } from './program';
import type { Services } from './services';

/**
 * The command `calibr8`.
 * @param args without node and script
 * @returns the exit code
 */
export function main(
  args: readonly string[],
  io: CliIo,
  services: Services = libraryServices,
): Promise<number> {
  return runCli(args, io, services);
}

/** Runs the process's own command line. The first interrupt ends it cleanly, a second one at once. */
async function runProcess(): Promise<void> {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(EXIT.interrupted);
      controller.abort();
    });
  }
  const { stdout, stderr } = process;
  endWithReader(stdout, EXIT.ok);
  process.exitCode = await main(process.argv.slice(2), { stdout, stderr, signal: controller.signal });
}

if (require.main === module) void runProcess();
