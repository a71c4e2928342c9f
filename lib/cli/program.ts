import { Command, CommanderError } from 'commander';
import { version } from 'calibr8/package.json';
import { Calibr8Error } from '../errors';
import { benchmarkCommand } from './benchmark';
import { calibrateCommand } from './calibrate';
import { compareCommand } from './compare';
import { doctorCommand } from './doctor';
import { evaluateCommand } from './evaluate';
import { inspectCommand } from './inspect';
import { mergeCommand } from './merge';
import { EXIT, note, UsageError, type CliIo, type Context } from './io';
import { quantizeCommand } from './quantize';
import type { Services } from './services';

/** The commands in the order of the help. */
const COMMANDS = [
  calibrateCommand,
  mergeCommand,
  quantizeCommand,
  evaluateCommand,
  compareCommand,
  benchmarkCommand,
  inspectCommand,
  doctorCommand,
];

/**
 * Runs one command line.
 * @param args without node and script
 * @returns the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted
 */
export async function runCli(args: readonly string[], io: CliIo, services: Services): Promise<number> {
  const program = createProgram({ io, services });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCodeOf(program);
  } catch (error) {
    return report(error, io, args.includes('--debug'));
  }
}

function createProgram(context: Context): Command {
  const { io } = context;
  const program = new Command('calibr8')
    .description('Calibrates FP32 ONNX networks to INT8 and runs them on CPUs through oneDNN.')
    .version(version);
  for (const create of COMMANDS) program.addCommand(create(context));
  for (const command of [program, ...program.commands]) {
    command
      .exitOverride()
      .configureOutput({
        writeOut: (text) => io.stdout.write(text),
        writeErr: (text) => io.stderr.write(text),
        outputError: (text, write) => write(text.replace(/^error: /, 'error [INVALID_ARGUMENT]: ')),
      })
      .configureHelp({ helpWidth: 80 })
      .showHelpAfterError(`See calibr8 ${command === program ? '' : `${command.name()} `}--help.`);
  }
  return program;
}

/** What a command that did its work, but has bad news, left for the exit code. */
function exitCodeOf(program: Command): number {
  for (const command of program.commands) {
    const code: unknown = command.getOptionValue('exitCode');
    if (typeof code === 'number') return code;
  }
  return EXIT.ok;
}

function report(error: unknown, io: CliIo, debug: boolean): number {
  // Commander has printed these already; asking for help or the version is no error.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (io.signal.aborted && error === io.signal.reason) {
    note(io, 'Interrupted; no file was written.');
    return EXIT.interrupted;
  }
  const code = error instanceof Calibr8Error ? error.code : 'UNEXPECTED';
  const message = error instanceof Error ? error.message : String(error);
  note(io, `error [${code}]: ${message.replaceAll('\n', ' ')}`);
  if (debug && error instanceof Error) note(io, stackOf(error));
  else if (code === 'UNEXPECTED') note(io, 'This is a defect in calibr8; --debug shows where it happened.');
  return error instanceof UsageError ? EXIT.usage : EXIT.failure;
}

function stackOf(error: Error): string {
  const stack = error.stack ?? String(error);
  return error.cause instanceof Error ? `${stack}\nCaused by: ${stackOf(error.cause)}` : stack;
}
