import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The folder of models and images that is no part of the repository; undefined where it is absent. */
function dataFolder(): string | undefined {
  const folder = process.env['CALIBR8_DATA'] ?? resolve(__dirname, '../../../shared/data');
  return existsSync(folder) ? folder : undefined;
}

/** The path of a shared data file; undefined where it is absent. */
export function dataPath(...parts: string[]): string | undefined {
  const folder = dataFolder();
  const path = folder && join(folder, ...parts);
  return path && existsSync(path) ? path : undefined;
}

/** `describe` for tests that need the shared data; without it they are reported as skipped, with the reason in the name. */
export function describeWithData(name: string, tests: () => void): void {
  if (dataFolder()) describe(name, tests);
  else describe.skip(`${name} (skipped: no shared data; set CALIBR8_DATA to its folder)`, tests);
}
