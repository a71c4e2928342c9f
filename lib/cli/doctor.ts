import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { loadSharp } from '../evaluation/image';
import type { AddonInfo } from '../runtime/addon';
import { packageRoot } from '../runtime/load';
import { facts } from './format';
import { EXIT, print, printJson, type Context } from './io';
import { addOutputOptions, resolveThreads, type OutputOptions } from './options';
import { cpuFromSystem, hasCommand, hasSharedLibrary } from './system';

/** Something that is missing or slows calibr8 down. */
export interface Problem {
  /** `error`: calibr8 cannot run networks or read images. `warning`: it works, but not at its best. */
  severity: 'error' | 'warning';
  what: string;
  remedy: string;
}

interface DoctorReport {
  node: string;
  platform: string;
  cpu: string;
  isa: string | null;
  vnni: boolean;
  onednn: { version: string; runtime: string } | null;
  threads: { available: number; default: number; source: string; openmpMax: number | null };
  sharp: string | null;
  problems: Problem[];
}

const EXAMPLES = `
Examples:
  $ calibr8 doctor
  $ calibr8 doctor --json

Ends with exit code 1 where something is missing that calibr8 needs.`;

/** `calibr8 doctor`: what this machine offers, what is missing, and what to do about it. */
export function doctorCommand(context: Context): Command {
  const command = new Command('doctor')
    .summary('check this machine: processor, oneDNN, threads, what is missing')
    .description(
      'Checks the processor, oneDNN, threads and the image decoder, and says what is missing and what to do.',
    );
  addOutputOptions(command);
  return command.addHelpText('after', EXAMPLES).action(async (options: OutputOptions, self: Command) => {
    const report = await examine(context);
    if (options.json) printJson(context.io, report);
    else print(context.io, reportText(report));
    const broken = report.problems.some(({ severity }) => severity === 'error');
    // Not an exception: the report itself is the result, and says what is wrong.
    self.setOptionValue('exitCode', broken ? EXIT.failure : EXIT.ok);
  });
}

async function examine({ services }: Context): Promise<DoctorReport> {
  const problems: Problem[] = [];
  const info = await services.addonInfo().catch(async (error: Error) => {
    problems.push(...(await addonProblems(error)));
    return undefined;
  });
  const sharp = await loadSharp().catch((error: Error) => {
    problems.push({ severity: 'error', what: error.message, remedy: 'npm install --include=optional sharp' });
    return undefined;
  });
  const system = await cpuFromSystem();
  const vnni = info?.cpu.vnni ?? system.vnni;
  problems.push(...speedProblems(info, system.vnni));
  const { threadsPerStream, source } = resolveThreads({});
  return {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    cpu: info?.cpu.brand.trim() || system.brand,
    isa: info?.cpu.isa ?? null,
    vnni,
    onednn: info?.onednn ?? null,
    threads: {
      available: info?.cpu.available ?? availableParallelism(),
      default: threadsPerStream,
      source,
      openmpMax: info?.openmp.maxThreads ?? null,
    },
    sharp: sharp?.versions.sharp ?? null,
    problems,
  };
}

/** Why the addon does not load: the loader's own words, then what of a build's needs is absent. */
async function addonProblems(error: Error): Promise<Problem[]> {
  // The script is for a checkout; npm builds an installed package.
  const setup = existsSync(join(packageRoot(), 'scripts', 'setup.sh'))
    ? 'bash scripts/setup.sh'
    : 'npm rebuild calibr8, once compiler, CMake and oneDNN are there';
  const problems: Problem[] = [
    { severity: 'error', what: `The native addon is not available: ${error.message}`, remedy: setup },
  ];
  const needs: [string, boolean, string][] = [
    [
      'oneDNN (libdnnl) is not installed',
      await hasSharedLibrary('libdnnl.so'),
      'sudo apt-get install libdnnl-dev',
    ],
    ['CMake is not installed', await hasCommand('cmake'), 'sudo apt-get install cmake'],
    ['A C++ compiler is not installed', await hasCommand('c++'), 'sudo apt-get install g++'],
  ];
  for (const [what, present, remedy] of needs)
    if (!present) problems.push({ severity: 'error', what: `${what}.`, remedy });
  return problems;
}

function speedProblems(info: AddonInfo | undefined, cpuHasVnni: boolean): Problem[] {
  const problems: Problem[] = [];
  if (!cpuHasVnni)
    problems.push({
      severity: 'warning',
      what: 'The processor has no VNNI: INT8 is hardly faster than FP32, and sums of products may saturate.',
      remedy: 'use a processor with AVX512-VNNI or AVX-VNNI (Cascade Lake, Alder Lake, Zen 4 or newer)',
    });
  else if (info && !info.cpu.vnni)
    problems.push({
      severity: 'warning',
      what: `The processor has VNNI but oneDNN uses ${info.cpu.isa}.`,
      remedy: 'unset ONEDNN_MAX_CPU_ISA, or install a newer oneDNN',
    });
  if (info && /^seq/i.test(info.onednn.runtime))
    problems.push({
      severity: 'warning',
      what: 'This oneDNN was built without threads.',
      remedy: 'install a oneDNN built with OpenMP (libdnnl-dev), or use --streams instead of --threads',
    });
  return problems;
}

function reportText(report: DoctorReport): string {
  const { onednn, threads, problems } = report;
  const lines = facts([
    ['Node', `${report.node} (${report.platform})`],
    ['CPU', report.cpu],
    ['ISA', report.isa ?? 'unknown: needs the addon'],
    ['VNNI', report.vnni ? 'yes' : 'no'],
    ['oneDNN', onednn ? `${onednn.version}, runtime ${onednn.runtime}` : 'unknown: needs the addon'],
    [
      'threads',
      `${threads.available} ${threads.available === 1 ? 'processor' : 'processors'} available, ${threads.default} used (${threads.source})`,
    ],
    ['sharp', report.sharp ?? 'missing'],
  ]);
  if (problems.length === 0) return `${lines}\n\nNothing is missing.`;
  const texts = problems.map(({ severity, what, remedy }) => `${severity}: ${what}\n  remedy: ${remedy}`);
  return `${lines}\n\n${texts.join('\n')}`;
}
