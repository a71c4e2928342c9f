import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { temporaryFolder, writeImage } from '../evaluation/support';
import { fakeServices, FakeCalibrator, run } from './harness';

const folder = temporaryFolder();
const PREPROCESS = ['--preprocess', 'symmetric', '--resize', 'none', '--crop', '8'];
const model = folder.path('net.onnx');
const images = folder.path('images');

beforeAll(async () => {
  writeFileSync(model, Buffer.alloc(4000));
  mkdirSync(images);
  for (let i = 0; i < 20; ++i) await writeImage(folder.path('images', `${10 + i}.png`), [i, 0, 0]);
});

describe('calibrate', () => {
  test('samples the images, evenly spread, and saves beside the model', async () => {
    const services = fakeServices();
    writeFileSync(folder.path('o.json'), '[{"match":"b","observer":"mse"},{"match":"c","precision":"fp32"}]');
    const args = ['calibrate', model, '--data', images, '--samples', '5', '--algo', 'KL', ...PREPROCESS];
    args.push('--threads', '3', '--first-conv', 'fp32', '--exclude', 'op:Gemm', '/head/**');
    args.push('--override', '{"match":"a","range":6}', `@${folder.path('o.json')}`);
    const { code, stdout, stderr } = await run(args, services);
    expect(code).toBe(0);
    const [calibrator] = services.calibrators;
    expect(calibrator!.options).toEqual({
      ...{ model, output: folder.path('net.int8.onnx'), algo: 'KL', threads: 3 },
      ...{ firstConv: 'fp32', exclude: ['op:Gemm', '/head/**'] },
      overrides: [
        { match: 'a', range: 6 },
        { match: 'b', observer: 'mse' },
        { match: 'c', precision: 'fp32' },
      ],
      preprocessing: expect.stringContaining('"crop":8') as string,
    });
    const reds = calibrator!.feeds.map(({ data }) => Math.round((data!.data[0] as number) * 127.5 + 127.5));
    expect(reds).toEqual([0, 4, 8, 12, 16]);
    expect(calibrator).toMatchObject({ sampled: 5, saved: true, released: 1 });
    expect(stderr).toContain('Test CPU | avx512_core_vnni | VNNI yes | oneDNN 2.6.0');
    expect(stderr).toContain('1 stream of 3 threads (--threads)');
    expect(stdout).toMatch(/Worst SQNR of 12 tensors.*Most clipped.*12 nodes in INT8, 1 in FP32/s);
    expect(stdout).toContain('net.onnx 3.9 KB -> net.int8.onnx 1000 B (25 %)');
  });

  test('tables fit 80 columns and begin with the worst', async () => {
    const { stdout } = await run(['calibrate', model, '--data', images, ...PREPROCESS]);
    const rows = stdout.split('\n').filter((line) => /uint8/.test(line));
    expect(rows).toHaveLength(10 + 8);
    expect(rows[0]).toMatch(/^a\/rather.*\.\.\..*Relu_output .* 29\.0$/);
    expect(rows[10]).toMatch(/2\.000 %/);
    expect(Math.max(...rows.map((row) => row.length))).toBeLessThanOrEqual(80);
  });

  test('a progress bar is drawn on a terminal, on stderr, and is gone at the end', async () => {
    const args = ['calibrate', model, '--data', images, '--json', ...PREPROCESS];
    const { stdout, stderr } = await run(args, fakeServices(), undefined, { isTTY: true });
    expect(stderr).toMatch(/Calibrating .*100% \| 20\/20 images/);
    // The cursor is shown again.
    expect(stderr).toContain('\u001b[?25h');
    expect(() => JSON.parse(stdout) as unknown).not.toThrow();
  });

  test('--verbose lists all tensors', async () => {
    const { stdout } = await run(['calibrate', model, '--data', images, '--verbose', ...PREPROCESS]);
    expect(stdout.split('\n').filter((line) => /uint8/.test(line))).toHaveLength(12);
  });

  test('--json prints one document with every tensor', async () => {
    const args = ['calibrate', model, '--data', images, '--json', ...PREPROCESS, '-o', folder.path('x.onnx')];
    const { code, stdout, stderr } = await run(args);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ model, output: folder.path('x.onnx'), algorithm: 'max', samples: 20, images: 20 },
      ...{ int8Nodes: 12, fp32Nodes: 1, modelBytes: 1000, modelBytesBefore: 4000 },
    });
    expect((JSON.parse(stdout) as { tensors: unknown[] }).tensors).toHaveLength(12);
    expect(stderr).toMatch(/50 samples were asked for; .* holds 20, and all are used/);
  });

  test.each([
    [
      'into a folder that is not there',
      () => ['-o', folder.path('no/x.onnx')],
      1,
      /folder ".*no" does not exist/,
    ],
    ['onto a folder', () => ['-o', images], 1, /it is a folder/],
    ['onto a device', () => ['-o', '/dev/null'], 1, /special file/],
    ['to no name', () => ['-o', ''], 2, /--output: Expected the file to write but received ""/],
    ['onto the model', () => ['-o', model], 2, /is the model itself/],
  ])('refuses to write %s, before it calibrates', async (_, options, code, message) => {
    const services = fakeServices();
    const outcome = await run(['calibrate', model, '--data', images, ...PREPROCESS, ...options()], services);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toMatch(message);
    expect(services.calibrators).toHaveLength(0);
  });

  test.each([
    ['no image', () => folder.path('nothing'), /INVALID_DATASET.*found none/],
    ['a broken image', () => folder.path('broken'), /INVALID_DATASET.*bad\.jpg" but it could not be decoded/],
    ['a small image', () => folder.path('small'), /INVALID_DATASET.*at least 8x8.*s\.png/],
  ])('fails with %s and saves nothing', async (_, data, message) => {
    for (const name of ['nothing', 'broken', 'small']) mkdirSync(folder.path(name), { recursive: true });
    writeFileSync(folder.path('broken/bad.jpg'), 'bad');
    await writeImage(folder.path('small/s.png'), [0, 0, 0], [4, 4]);
    const services = fakeServices();
    const { code, stderr } = await run(['calibrate', model, '--data', data(), ...PREPROCESS], services);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    for (const calibrator of services.calibrators)
      expect(calibrator).toMatchObject({ saved: false, released: 1 });
  });

  test('an interrupt releases everything and writes nothing', async () => {
    const controller = new AbortController();
    let calibrator: FakeCalibrator | undefined;
    const services = fakeServices({
      async createCalibrator(options) {
        calibrator = new (class extends FakeCalibrator {
          override async sampleData(): Promise<void> {
            await super.sampleData();
            if (this.sampled === 3) controller.abort();
          }
        })(options);
        return calibrator;
      },
    });
    const args = ['calibrate', model, '--data', images, ...PREPROCESS];
    const { code, stderr } = await run(args, services, controller.signal);
    expect(code).toBe(130);
    expect(stderr).toMatch(/Interrupted; no file was written\.\n$/);
    expect(calibrator).toMatchObject({ sampled: 3, saved: false, released: 1 });
    expect(existsSync(folder.path('net.int8.onnx'))).toBe(false);
  });
});
