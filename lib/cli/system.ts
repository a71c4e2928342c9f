import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { delimiter, join } from 'node:path';

/** What the operating system tells of the processor, for when the addon cannot. */
export async function cpuFromSystem(): Promise<{ brand: string; vnni: boolean }> {
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  return { brand: cpus()[0]?.model.trim() || 'unknown', vnni: /\bavx(512)?_vnni\b/.test(text) };
}

/** Whether a program is on the search path. */
export async function hasCommand(name: string): Promise<boolean> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const found = await access(join(folder, name), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

/** Whether the dynamic linker knows a library whose name begins with `name`. */
export async function hasSharedLibrary(name: string): Promise<boolean> {
  for (const command of ['ldconfig', '/sbin/ldconfig']) {
    const listing = await new Promise<string>((resolve) =>
      execFile(command, ['-p'], (error, stdout) => resolve(error ? '' : stdout)),
    );
    if (listing !== '') return listing.includes(`\t${name}`);
  }
  return false;
}
