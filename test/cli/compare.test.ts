import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import sharp from 'sharp';
import { libraryServices } from '../../lib/cli/library-services';
import type { Comparison } from '../../lib/report/comparison';
import { renderImage } from '../../examples/shapes';
import { temporaryFolder } from '../evaluation/support';
import { run } from './harness';
import { convolutionModel } from './models';

const NETWORK = 'examples/networks/shapes-mobilenet.onnx';
const IMAGES = 12;
const folder = temporaryFolder();
const images = folder.path('images');
const list = folder.path('list.txt');
const int8 = folder.path('net.int8.onnx');
const report = folder.path('report.html');
const preprocessing = '{"crop":40,"scale":0.00392156862745098,"mean":[0.5,0.5,0.5],"std":[0.25,0.25,0.25]}';

const compare = (...more: string[]): ReturnType<typeof run> =>
  run(['compare', NETWORK, int8, '--data', images, '--threads', '1', ...more], libraryServices);

beforeAll(async () => {
  mkdirSync(images);
  const labels: string[] = [];
  for (let i = 0; i < IMAGES; ++i) {
    const { pixels, label } = renderImage('validation', i);
    await sharp(pixels, { raw: { width: 40, height: 40, channels: 3 } }).toFile(
      folder.path('images', `${i}.png`),
    );
    labels.push(`${i}.png ${label}\n`);
  }
  writeFileSync(list, labels.join(''));
  const args = ['--data', images, '--preprocess', preprocessing, '--threads', '1', '-o', int8];
  expect(await run(['calibrate', NETWORK, ...args], libraryServices)).toMatchObject({ code: 0 });
});

describe("on the project's own small network", () => {
  test('text for people fits 80 columns and says how good, where and what to try', async () => {
    const { code, stdout, stderr } = await compare('--labels', list, '--html', report);
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('12 images') as string,
    });
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stdout).toMatch(/^(Excellent|Good|Fair|Poor): /);
    for (const text of ['Worst SQNR of', 'Most error of their own', 'What to try', 'times as fast', report])
      expect(stdout).toContain(text);
  });

  test('the report is one whole file that names both networks', () => {
    const page = readFileSync(report, 'utf8');
    expect(page).toMatch(/^<!doctype html>/);
    expect(page.trimEnd()).toMatch(/<\/html>$/);
    expect(page).toContain('<h1>net.int8.onnx against shapes-mobilenet.onnx</h1>');
    expect(page).not.toMatch(/https?:/);
  });

  test('--json agrees with evaluate on what both measure', async () => {
    const { stdout } = await compare('--labels', list, '--json');
    const comparison = JSON.parse(stdout) as Comparison & { html: null; findings: { weakest: unknown[] } };
    const args = ['evaluate', int8, '--data', images, '--labels', list, '--against', NETWORK, '--json'];
    const evaluation = JSON.parse((await run([...args, '--threads', '1'], libraryServices)).stdout) as {
      top1: number;
      agreement: number;
      sqnrDb: number;
      reference: { top1: number };
    };
    const [output] = comparison.outputs;
    expect(comparison).toMatchObject({ samples: IMAGES, html: null, unmatched: [] });
    expect(output).toMatchObject({
      agreementPercent: evaluation.agreement,
      top1: { fp32: evaluation.reference.top1, int8: evaluation.top1 },
    });
    expect(output!.sqnrDb).toBeCloseTo(evaluation.sqnrDb, 6);
    expect(comparison.findings.weakest).toHaveLength(3);
    expect(comparison.tensors.every((tensor) => !('histogram' in tensor))).toBe(true);
  });

  test('--samples takes a part, --verbose lists every tensor', async () => {
    const { stdout } = await compare('--samples', '3', '--verbose', '--no-labels');
    expect(stdout).toMatch(/samples {2}3,/);
    expect(stdout).toMatch(/^All \d+ tensors, worst SQNR first/m);
  });
});

describe('refuses with what to do, before any work', () => {
  test.each([
    ['no data', ['compare', NETWORK, 'x.onnx'], 2, /--data DIR or --labels LIST is needed/],
    ['one model', ['compare', NETWORK], 2, /missing required argument 'int8'/],
    ['an absent model', ['compare', NETWORK, 'absent.onnx', '--data', '.'], 1, /FILE_ACCESS.*absent\.onnx/],
  ])('%s', async (_, args, code, message) => {
    const outcome = await run(args);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toMatch(message);
  });

  test.each([
    ['a folder without images', () => ['--data', folder.path()], 1, /INVALID_DATASET|Expected images/],
    [
      'a report in a folder that is not there',
      () => ['--html', folder.path('no', 'r.html')],
      1,
      /FILE_ACCESS.*does not exist/,
    ],
    ['a report in the place of a folder', () => ['--html', images], 1, /it is a folder/],
    ['a report in the place of a model', () => ['--html', int8], 2, /--html: .* is the model itself/],
    ['a wrong preprocessing', () => ['--preprocess', 'nope'], 2, /--preprocess: Expected imagenet/],
  ])('%s', async (_, options, code, message) => {
    mkdirSync(folder.path('empty'), { recursive: true });
    const data = options().includes('--data') ? ['--data', folder.path('empty')] : options();
    const outcome = await compare(...data);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toMatch(message);
  });

  test.each([
    ['both FP32', () => [NETWORK, NETWORK], /both are FP32/],
    ['the wrong order', () => [int8, NETWORK], /other way round/],
    [
      'networks that are no pair',
      () => [convolutionModel(folder.path('other.onnx')), int8],
      /the same inputs/,
    ],
  ])('%s', async (_, models, message) => {
    const output = folder.path('never.html');
    const args = ['--data', images, '--html', output, '--preprocess', preprocessing];
    const outcome = await run(['compare', ...models(), ...args], libraryServices);
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toMatch(message);
    expect(existsSync(output)).toBe(false);
  });

  test('an interrupt leaves no report', async () => {
    const controller = new AbortController();
    const services = {
      ...libraryServices,
      compareNetworks: (options: Parameters<typeof libraryServices.compareNetworks>[0]) =>
        libraryServices.compareNetworks({ ...options, onProgress: () => controller.abort() }),
    };
    const output = folder.path('never.html');
    const args = ['compare', NETWORK, int8, '--data', images, '--html', output];
    expect(await run(args, services, controller.signal)).toMatchObject({ code: 130, stdout: '' });
    expect(existsSync(output)).toBe(false);
  });
});
