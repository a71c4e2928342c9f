import { Calibr8Error } from '../../lib/errors';
import { fakeServices, INFO, run } from './harness';

interface Report {
  problems: { severity: string; what: string; remedy: string }[];
}

describe('doctor', () => {
  test('--json tells of the machine', async () => {
    const { code, stdout, stderr } = await run(['doctor', '--json']);
    const report = JSON.parse(stdout) as Report;
    expect([code, stderr]).toEqual([0, '']);
    expect(report).toMatchObject({
      ...{ node: process.version, cpu: 'Test CPU', isa: 'avx512_core_vnni', vnni: true },
      ...{ onednn: { version: '2.6.0', runtime: 'OpenMP' }, sharp: expect.any(String) as string },
      threads: { available: 2, openmpMax: 2 },
    });
    expect(report.problems.every(({ severity }) => severity === 'warning')).toBe(true);
  });

  test('works without the addon, names the remedy and fails', async () => {
    const services = fakeServices({
      addonInfo: () => Promise.reject(new Calibr8Error('ADDON_LOAD', 'libdnnl.so.2: cannot open')),
    });
    const text = await run(['doctor'], services);
    expect(text.code).toBe(1);
    expect(text.stdout).toMatch(
      /error: The native addon is not available: libdnnl\.so\.2.*\n.*remedy: bash scripts\/setup\.sh/,
    );
    expect(text.stdout).toMatch(/CPU\s+\S/);
    const json = await run(['doctor', '--json'], services);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ isa: null, onednn: null });
  });

  test('warns of a oneDNN without threads', async () => {
    const onednn = { version: '3.1.0', runtime: 'sequential' };
    const { code, stdout } = await run(
      ['doctor', '--json'],
      fakeServices({ addonInfo: async () => ({ ...INFO, onednn }) }),
    );
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as Report).problems.map(({ what }) => what)).toContainEqual(
      expect.stringContaining('built without threads'),
    );
  });
});
