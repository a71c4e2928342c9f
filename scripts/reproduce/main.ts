import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { print } from '../../lib/cli/io';
import { resolveThreads } from '../../lib/cli/options';
import { hostLine, plural, readHost } from '../../examples/shared/host';
import { runCommand } from '../../examples/shared/run-command';
import { IO } from '../../examples/shared/stages';
import { chooseCases } from './cases';
import { Checks } from './checks';
import { reproduceCase } from './reproduce-case';
import { reproduceCommand, type ReproduceOptions } from './options';

/** The reproducibility suite: the published experiment, run twice. */
async function reproduce(options: ReproduceOptions): Promise<void> {
  const cases = await chooseCases(options);
  const { threadsPerStream: threads, source } = resolveThreads({
    ...(options.threads !== undefined && { threads: options.threads }),
  });
  const host = readHost();
  print(IO, hostLine(host));
  print(
    IO,
    `${plural(threads, 'thread')} (${source}), ${plural(host.available, 'processor')} in the affinity mask`,
  );
  const { samples, tolerance } = options;
  print(IO, `${options.dataset} data set, calibrated with ${plural(samples, 'image')}\n`);

  const kept = options.output;
  if (kept !== undefined) await mkdir(kept, { recursive: true });
  const folder = kept ?? (await mkdtemp(join(tmpdir(), 'calibr8-reproduce-')));
  const checks = new Checks((line) => print(IO, line));
  try {
    for (const subject of cases) {
      print(IO, `${subject.name}: ${subject.task.description}`);
      await reproduceCase(subject, { folder, samples, threads, tolerance }, checks);
    }
  } finally {
    if (kept === undefined) await rm(folder, { recursive: true });
  }
  print(IO, `\n${checks.summary}`);
  if (checks.failed > 0) process.exitCode = 1;
}

if (require.main === module) void runCommand(reproduceCommand(reproduce));
