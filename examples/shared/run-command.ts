import { CommanderError, type Command } from 'commander';
import { endWithReader, EXIT, note, UsageError } from '../../lib/cli/io';
import { Calibr8Error } from '../../lib/errors';
import { IO } from './stages';

/** Runs a script's command line on this process: a failure is one line on stderr and exit code 1, a wrong option 2. */
export async function runCommand(command: Command, args = process.argv.slice(2)): Promise<void> {
  // What a script has not done yet, a file or a check, its caller must not take for done.
  endWithReader(process.stdout, EXIT.failure);
  try {
    await command.exitOverride().configureHelp({ helpWidth: 80 }).parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = report(error);
  }
}

function report(error: unknown): number {
  // Commander has printed these already; asking for help is no error.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof Calibr8Error) note(IO, `error [${error.code}]: ${error.message}`);
  else note(IO, `error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return error instanceof UsageError ? EXIT.usage : EXIT.failure;
}
