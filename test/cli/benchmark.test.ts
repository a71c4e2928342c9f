import type { NetworkProfile } from '../../lib/evaluation/layer-profile';
import { temporaryFolder } from '../evaluation/support';
import { fakeServices, run } from './harness';
import { convolutionModel } from './models';

const folder = temporaryFolder();
const SHORT = ['--seconds', '0.05'];
let models: string[];

beforeAll(() => {
  models = ['net.onnx', 'net.int8.onnx'].map((name) => convolutionModel(folder.path(name)));
});

describe('benchmark', () => {
  test('--json has the fields of the contract', async () => {
    const services = fakeServices();
    const args = [
      'benchmark',
      ...models,
      ...SHORT,
      '--batch',
      '2',
      '--streams',
      '2',
      '--threads',
      '1',
      '--json',
    ];
    const { code, stdout, stderr } = await run(args, services);
    expect([code, stderr]).toEqual([0, '']);
    const rate = {
      median: expect.any(Number) as number,
      min: expect.any(Number) as number,
      max: expect.any(Number) as number,
    };
    const latency = {
      p50: expect.any(Number) as number,
      p90: expect.any(Number) as number,
      p99: expect.any(Number) as number,
    };
    expect(JSON.parse(stdout)).toEqual({
      ...{ cpu: 'Test CPU', isa: 'avx512_core_vnni', vnni: true, onednn: '2.6.0' },
      results: ['fp32', 'int8'].map((precision, index) => ({
        ...{ model: models[index], precision, batch: 2, streams: 2, threadsPerStream: 1 },
        ...{ imagesPerSecond: rate, latencyMs: latency },
      })),
    });
    for (const session of services.sessions) {
      expect(session).toMatchObject({ released: 1, mostActive: 3 });
      expect(session.feeds[0]!['data']!.dims).toEqual([2, 3, 8, 8]);
    }
  });

  test('prints a table and what it ran on', async () => {
    const { stdout, stderr } = await run(['benchmark', ...models, ...SHORT, '--threads', '1']);
    expect(stderr).toMatch(/Test CPU .*\n1 stream of 1 thread \(--threads\)/);
    expect(stdout).toMatch(/model .*precision .*batch .*images\/s/);
    expect(stdout.trim().split('\n').length).toBeGreaterThanOrEqual(3);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test('--profile shows every layer beside the peak', async () => {
    const args = ['benchmark', models[1]!, ...SHORT, '--threads', '1', '--profile'];
    const { code, stdout } = await run(args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/INT8 peak of 1 thread +400\.0 Gop\/s \(vpdpbusd zmm\)\nFP32 peak/);
    // 0.2 Gop in 1 ms, of 400 Gop/s
    expect(stdout).toMatch(/conv1 +brgconv vnni \+1 reorder +1\.000 +200\.0 +50\.0 +1\.00/);
    expect(stdout).toMatch(/sum over layers +2\.000 ms\nbetween layers +0\.100 ms +5\.0 %\nfrom the call/);
    expect(stdout).toMatch(/arithmetic +0\.40 Gop, /);
    expect(stdout).toMatch(/interrupted +5\.0 % of the time/);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    const { results } = JSON.parse((await run([...args, '--json'])).stdout) as {
      results: { profile: NetworkProfile }[];
    };
    expect(results[0]!.profile.peaks.int8.operationsPerSecond).toBe(4e11);
    expect(results[0]!.profile.layers).toMatchObject([
      { name: 'conv1', milliseconds: 1, operations: 2e8, peakPercent: 50, bytesMoved: 1e6 },
      { name: 'conv2', milliseconds: 1, operations: 2e8, peakPercent: 50, bytesMoved: 1e6 },
    ]);
  });

  test('--hint and a number of streams contradict each other', async () => {
    const { code, stderr } = await run(['benchmark', models[0]!, '--streams', '2', '--hint', 'latency']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('--streams')]);
  });

  test('says where the number of threads comes from', async () => {
    const before = process.env['OMP_NUM_THREADS'];
    try {
      process.env['OMP_NUM_THREADS'] = '6';
      const { stderr } = await run(['benchmark', models[0]!, ...SHORT, '--streams', '2']);
      expect(stderr).toContain('2 streams of 3 threads (OMP_NUM_THREADS)');
      const automatic = await run(['benchmark', models[0]!, ...SHORT, '--streams', 'auto']);
      expect(automatic.stderr).toContain('6 streams of 1 thread (OMP_NUM_THREADS)');
      const latency = await run(['benchmark', models[0]!, ...SHORT, '--hint', 'latency']);
      expect(latency.stderr).toContain('1 stream of 6 threads (OMP_NUM_THREADS)');
      delete process.env['OMP_NUM_THREADS'];
      expect((await run(['benchmark', models[0]!, ...SHORT])).stderr).toContain('(available cores)');
    } finally {
      if (before === undefined) delete process.env['OMP_NUM_THREADS'];
      else process.env['OMP_NUM_THREADS'] = before;
    }
  });

  test('an interrupt ends it', async () => {
    const outcome = await run(
      ['benchmark', models[0]!, '--seconds', '60'],
      fakeServices(),
      AbortSignal.abort(),
    );
    expect(outcome).toMatchObject({ code: 130, stdout: '' });
  });
});
