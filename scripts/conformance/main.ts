import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { packageRoot } from '../../lib/runtime/load';
import { findCases } from './cases';
import { runCase, type Outcome } from './run-case';

const HELP = `npm run conformance -- [--cases FOLDER] [FILTER]

Runs ONNX's backend test cases and prints how many passed, and why the others did not.
  --cases FOLDER  a folder with node, pytorch or light in it; default: conformance beside the data
                  folder (CALIBR8_DATA, default ../shared/data)
  FILTER          only cases whose name contains it, for example node/test_conv
`;

async function main(): Promise<void> {
  const { folder, filter, help } = parse(process.argv.slice(2));
  if (help) return console.log(HELP);
  if (!existsSync(folder)) {
    console.log(
      `Skipped: no conformance cases at ${folder}; name a folder with --cases, or set CALIBR8_DATA to the data folder beside them.`,
    );
    return;
  }
  const outcomes: Outcome[] = [];
  for (const test of findCases(folder)) if (test.name.includes(filter)) outcomes.push(await runCase(test));
  const of = (status: Outcome['status']): Outcome[] =>
    outcomes.filter((outcome) => outcome.status === status);
  for (const [reason, names] of byReason(of('skipped'))) console.log(`skipped ${names.length}: ${reason}`);
  for (const { name, reason } of of('failed')) console.log(`FAILED ${name}: ${reason}`);
  for (const [group, members] of byGroup(outcomes)) console.log(`${group}: ${summary(members)}`);
  console.log(summary(outcomes));
  process.exitCode = of('failed').length > 0 ? 1 : 0;
}

function parse(given: readonly string[]): { folder: string; filter: string; help: boolean } {
  const rest = [...given];
  const at = rest.indexOf('--cases');
  const named = at >= 0 ? rest.splice(at, 2)[1] : undefined;
  const data = process.env['CALIBR8_DATA'] ?? resolve(packageRoot(), '../shared/data');
  return {
    folder: named ?? join(data, '..', 'conformance'),
    filter: rest.find((argument) => !argument.startsWith('-')) ?? '',
    help: rest.includes('--help'),
  };
}

function summary(outcomes: readonly Outcome[]): string {
  const count = (status: Outcome['status']): number =>
    outcomes.filter((outcome) => outcome.status === status).length;
  const share = ((100 * count('passed')) / Math.max(outcomes.length, 1)).toFixed(1);
  return `${outcomes.length} cases: ${count('passed')} passed (${share} %), ${count('failed')} failed, ${count('skipped')} skipped`;
}

/** By the first part of their names: node, pytorch, light. */
function byGroup(outcomes: readonly Outcome[]): Map<string, Outcome[]> {
  const groups = new Map<string, Outcome[]>();
  for (const outcome of outcomes) {
    const group = outcome.name.split('/')[0]!;
    groups.set(group, [...(groups.get(group) ?? []), outcome]);
  }
  return groups;
}

/** Skipped cases by what is missing, the most frequent first. */
function byReason(outcomes: readonly Outcome[]): [string, string[]][] {
  const groups = new Map<string, string[]>();
  for (const { name, reason = '' } of outcomes) {
    const what = reason.replace(/ ?\(node "[^"]*"\)/g, '').replace(/node "[^"]*"/g, 'node');
    groups.set(what, [...(groups.get(what) ?? []), name]);
  }
  return [...groups].sort((a, b) => b[1].length - a[1].length);
}

void main();
