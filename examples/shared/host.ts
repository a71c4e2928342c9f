import { hostReport, type HostReport } from '../../lib/cli/host';
import { loadAddon } from '../../lib/runtime/load';

/** Facts that numbers mean nothing without. */
export interface Host extends HostReport {
  /** Processors in the affinity mask. */
  available: number;
}

/** @throws ADDON_LOAD */
export function readHost(): Host {
  const info = loadAddon().info();
  return { ...hostReport(info), available: info.cpu.available };
}

/** One line for the head of a report. */
export function hostLine({ cpu, isa, vnni, onednn }: HostReport): string {
  return `${cpu} | ${isa} | VNNI ${vnni ? 'yes' : 'no'} | oneDNN ${onednn}`;
}

/** `1 thread`, `2 threads`. */
export function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}
