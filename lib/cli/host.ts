import type { AddonInfo } from '../runtime/addon';
import { note, type Context } from './io';
import type { Threads } from './options';

/** Facts about the host as every report gives them. */
export interface HostReport {
  cpu: string;
  isa: string;
  vnni: boolean;
  onednn: string;
}

export function hostReport(info: AddonInfo): HostReport {
  return {
    cpu: info.cpu.brand.trim(),
    isa: info.cpu.isa,
    vnni: info.cpu.vnni,
    onednn: info.onednn.version,
  };
}

/** Tells a person which processor and threads are at work; numbers mean nothing without. */
export async function describeHost({ io, services }: Context, threads?: Threads): Promise<HostReport> {
  const host = hostReport(await services.addonInfo());
  note(
    io,
    `${host.cpu} | ${host.isa} | VNNI ${host.vnni ? 'yes' : 'no'} | oneDNN ${host.onednn}${threads ? `\n${describeThreads(threads)}` : ''}`,
  );
  return host;
}

function describeThreads({ streams, threadsPerStream, source }: Threads): string {
  const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
  return `${plural(streams, 'stream')} of ${plural(threadsPerStream, 'thread')} (${source})`;
}
