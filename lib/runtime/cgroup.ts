import { posix } from 'node:path';

const ROOT = '/sys/fs/cgroup';

/**
 * How many processors' time the control groups of this process grant it, as containers are limited (`docker --cpus 2`,
 * Kubernetes' CPU limits); Infinity where nothing limits it. Both versions of control groups; a group above limits too.
 */
export function cpuQuota(read: (path: string) => string): number {
  let least = Infinity;
  for (const line of read('/proc/self/cgroup').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    if (controllers === '') {
      for (const folder of upwards(ROOT, path)) least = Math.min(least, parseMax(read(`${folder}/cpu.max`)));
    } else if (controllers!.split(',').includes('cpu')) {
      for (const folder of upwards(`${ROOT}/${controllers}`, path)) {
        const [quota, period] = ['quota', 'period'].map((name) =>
          Number(read(`${folder}/cpu.cfs_${name}_us`)),
        );
        least = Math.min(least, share(quota!, period!));
      }
    }
  }
  return least;
}

/** `200000 100000`: microseconds in each period of microseconds; `max 100000` is no limit. */
function parseMax(text: string): number {
  const [quota, period] = text.trim().split(/\s+/).map(Number);
  return share(quota!, period!);
}

/** No limit is said by -1, by a word, or by no file. */
const share = (quota: number, period: number): number =>
  quota > 0 && period > 0 ? quota / period : Infinity;

/** A group's folder and those above; inside of a container the first may be unknown and the last its own. */
function upwards(root: string, path: string): string[] {
  const folders = [root];
  for (let at = posix.normalize(path); at !== '/' && at !== '.'; at = posix.dirname(at))
    folders.push(root + at);
  return folders;
}
