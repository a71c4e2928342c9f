import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { packageRoot } from '../../lib/runtime/load';
import { findCases } from './cases';
import { runCase, type Outcome } from './run-case';

/**
 * npm run conformance [-- FILTER]: runs ONNX's backend test cases and prints how many passed, and why the others did not.
 * The cases are beside the data folder (CALIBR8_DATA, default ../shared/data), in `conformance`.
 */
async function main(): Promise<void> {
  const data = process.env['CALIBR8_DATA'] ?? resolve(packageRoot(), '../shared/data');
  const folder = join(data, '..', 'conformance');
  if (!existsSync(folder)) {
    console.log(
      `Skipped: no conformance cases at ${folder}; set CALIBR8_DATA to the data folder beside them.`,
    );
    return;
  }
  const filter = process.argv[2] ?? '';
  const outcomes: Outcome[] = [];
  for (const test of findCases(folder)) if (test.name.includes(filter)) outcomes.push(await runCase(test));
  const of = (status: Outcome['status']): Outcome[] =>
    outcomes.filter((outcome) => outcome.status === status);
  for (const [reason, names] of byReason(of('skipped'))) console.log(`skipped ${names.length}: ${reason}`);
  for (const { name, reason } of of('failed')) console.log(`FAILED ${name}: ${reason}`);
  console.log(
    `${outcomes.length} cases: ${of('passed').length} passed, ${of('failed').length} failed, ${of('skipped').length} skipped`,
  );
  process.exitCode = of('failed').length > 0 ? 1 : 0;
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
