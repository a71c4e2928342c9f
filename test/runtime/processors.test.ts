import {
  allowedProcessors,
  availableCores,
  chooseProcessors,
  coresAmong,
  parseProcessors,
} from '../../lib/runtime/processors';

const pairs = (processor: number): string => String(processor >> 1);

/** A kernel whose files have these contents; others are missing, which reads as empty. */
const kernel =
  (files: Record<string, string>) =>
  (path: string): string =>
    files[path] ?? '';

const STATUS = { '/proc/self/status': 'Name:\tnode\nCpus_allowed_list:\t0-7\n' };

test('the kernel’s lists of processors are read', () => {
  expect(parseProcessors('0-3,8,10-11')).toEqual([0, 1, 2, 3, 8, 10, 11]);
  expect(parseProcessors('5')).toEqual([5]);
  expect(parseProcessors('')).toEqual([]);
});

test('whole cores come before second hardware threads', () => {
  expect(chooseProcessors(2, [0, 1, 2, 3], pairs)).toEqual([0, 2]);
  expect(chooseProcessors(3, [0, 1, 2, 3], pairs)).toEqual([0, 1, 2]);
  expect(chooseProcessors(5, [0, 1, 2, 3], pairs)).toBeUndefined();
  expect(coresAmong([0, 1, 2, 5], pairs)).toBe(3);
});

test('this process may use some processor', () => {
  expect(allowedProcessors().length).toBeGreaterThan(0);
  expect(chooseProcessors(1)).toHaveLength(1);
  expect(availableCores()).toBeGreaterThan(0);
});

describe('cores that a process may keep busy', () => {
  test('are those of the affinity mask, each once', () => {
    expect(availableCores(kernel(STATUS))).toBe(8);
    const siblings = Array.from({ length: 8 }, (_, i) => [
      `/sys/devices/system/cpu/cpu${i}/topology/thread_siblings_list`,
      `${i % 4},${(i % 4) + 4}\n`,
    ]);
    expect(availableCores(kernel({ ...STATUS, ...Object.fromEntries(siblings) }))).toBe(4);
  });

  test.each([
    ['200000 100000', 2],
    ['350000 100000', 3],
    ['50000 100000', 1],
    ['max 100000', 8],
  ])('are limited by a control group of version 2 whose cpu.max is "%s"', (max, cores) => {
    const group = { '/proc/self/cgroup': '0::/user/app\n', '/sys/fs/cgroup/user/app/cpu.max': `${max}\n` };
    expect(availableCores(kernel({ ...STATUS, ...group }))).toBe(cores);
  });

  test('are limited by a group above, and by a container’s own root', () => {
    const above = { '/proc/self/cgroup': '0::/pod/app\n', '/sys/fs/cgroup/pod/cpu.max': '300000 100000\n' };
    expect(availableCores(kernel({ ...STATUS, ...above }))).toBe(3);
    const root = { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '400000 100000\n' };
    expect(availableCores(kernel({ ...STATUS, ...root }))).toBe(4);
  });

  test.each([
    ['200000', 2],
    ['-1', 8],
  ])('are limited by a control group of version 1 whose quota is %s', (quota, cores) => {
    const folder = '/sys/fs/cgroup/cpu,cpuacct/docker';
    const group = {
      '/proc/self/cgroup': '5:memory:/docker\n4:cpu,cpuacct:/docker\n',
      [`${folder}/cpu.cfs_quota_us`]: `${quota}\n`,
      [`${folder}/cpu.cfs_period_us`]: '100000\n',
    };
    expect(availableCores(kernel({ ...STATUS, ...group }))).toBe(cores);
  });
});
