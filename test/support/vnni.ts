import { loadAddon } from '../../lib/runtime/load';

/** True where this machine has VNNI, which INT8 implementations must then use. */
export function hasVnni(): boolean {
  return loadAddon().info().cpu.vnni;
}

/** `describe` for what only a VNNI machine shows. */
export function describeWithVnni(name: string, tests: () => void): void {
  if (hasVnni()) describe(name, tests);
  else describe.skip(`${name} (skipped: this CPU has no VNNI)`, tests);
}
