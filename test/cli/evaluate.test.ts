import { mkdirSync, writeFileSync } from 'node:fs';
import { temporaryFolder, writeImage } from '../evaluation/support';
import { fakeServices, run } from './harness';
import { convolutionModel } from './models';

const folder = temporaryFolder();
const PREPROCESS = ['--preprocess', '{"crop":8,"mean":[0,0,0],"std":[1,1,1]}'];
const images = folder.path('images');
const labels = folder.path('list.txt');
let fp32: string;
let int8: string;

beforeAll(async () => {
  fp32 = convolutionModel(folder.path('net.onnx'));
  int8 = convolutionModel(folder.path('net.int8.onnx'), {
    'calibr8.preprocessing': '{"resize":null,"crop":8,"mean":[0,0,0],"std":[1,1,1]}',
  });
  mkdirSync(images);
  for (let i = 0; i < 10; ++i) await writeImage(folder.path('images', `${i}.png`), [10 * i, 0, 0]);
  writeFileSync(labels, Array.from({ length: 10 }, (_, i) => `${i}.png ${i}\n`).join(''));
});

const withLabels = (...more: string[]): string[] => ['--data', images, '--labels', labels, ...more];

describe('evaluate', () => {
  test('--json has the fields of the contract, in percent', async () => {
    const services = fakeServices();
    const args = [
      'evaluate',
      int8,
      ...withLabels('--against', fp32, '--json', '--threads', '1'),
      ...PREPROCESS,
    ];
    const { code, stdout } = await run(args, services);
    expect(code).toBe(0);
    const result = JSON.parse(stdout) as Record<string, unknown>;
    expect(result).toMatchObject({
      ...{ top1: 90, top5: 100, samples: 10, agreement: 90, precision: 'int8' },
      ...{
        reference: { top1: 100, top5: 100, precision: 'fp32' },
        streams: 1,
        threadsPerStream: 1,
        cpu: 'Test CPU',
      },
      ...{ imagesPerSecond: expect.any(Number) as number, sqnrDb: expect.any(Number) as number },
    });
    expect(services.sessions.map(({ released }) => released)).toEqual([1, 1]);
  });

  test('without --against there is nothing about a reference', async () => {
    const { stdout } = await run(['evaluate', fp32, ...withLabels('--json'), ...PREPROCESS]);
    const result = JSON.parse(stdout) as Record<string, unknown>;
    expect(result).toMatchObject({ top1: 100, top5: 100, samples: 10 });
    for (const field of ['reference', 'agreement', 'sqnrDb']) expect(result).not.toHaveProperty(field);
  });

  test('equal networks: agreement 100, sqnrDb null', async () => {
    const args = [
      'evaluate',
      fp32,
      '--data',
      images,
      '--no-labels',
      '--against',
      fp32,
      '--json',
      ...PREPROCESS,
    ];
    const result = JSON.parse((await run(args)).stdout) as Record<string, unknown>;
    expect(result).toMatchObject({ agreement: 100, sqnrDb: null });
    expect(result).not.toHaveProperty('top1');
  });

  test('prints a table for people', async () => {
    const { stdout, stderr } = await run(['evaluate', int8, ...withLabels('--against', fp32), ...PREPROCESS]);
    expect(stdout).toMatch(/net\.int8\.onnx\s+int8\s+90\.00 %\s+100\.00 %/);
    expect(stdout).toMatch(/net\.onnx\s+fp32\s+100\.00 %/);
    expect(stdout).toMatch(/top-1 drop\s+10\.00 points/);
    expect(stdout).toMatch(/same first choice\s+90\.00 %/);
    expect(stderr).toContain('Test CPU');
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test('preprocesses as the model was calibrated unless told otherwise', async () => {
    const recorded = await run(['evaluate', int8, ...withLabels('--json')]);
    expect(recorded.code).toBe(0);
    expect(JSON.parse(recorded.stdout)).toMatchObject({ top1: 90 });
    const plain = await run(['evaluate', fp32, ...withLabels('--json')]);
    expect(plain.code).toBe(1);
    expect(plain.stderr).toMatch(/\[1, 3, 224, 224\].*--resize and --crop 8/);
  });

  test('a receipt whose preprocessing is in words asks for the option', async () => {
    const model = convolutionModel(folder.path('words.onnx'), { 'calibr8.preprocessing': 'by hand' });
    const { code, stderr } = await run(['evaluate', model, ...withLabels()]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/--preprocess: Expected imagenet.* received "by hand"/);
  });

  test('takes a folder a class, a label offset and a part of the samples', async () => {
    for (const [name, red] of [
      ['a', 10],
      ['b', 20],
    ] as const) {
      mkdirSync(folder.path('classes', name), { recursive: true });
      for (let i = 0; i < 4; ++i) await writeImage(folder.path('classes', name, `${i}.png`), [red, 0, 0]);
    }
    const data = ['--data', folder.path('classes'), '--label-offset', '1', '--samples', '4'];
    const { stdout } = await run(['evaluate', fp32, ...data, '--json', ...PREPROCESS]);
    expect(JSON.parse(stdout)).toMatchObject({ samples: 4, top1: 100 });
  });

  test.each([
    [
      'labels out of range',
      () => withLabels('--label-offset', '5'),
      1,
      /INVALID_DATASET.*0 to 9.*--label-offset/,
    ],
    ['no labels and nothing to compare with', () => ['--data', images], 2, /has no labels/],
    ['an absent list', () => ['--labels', folder.path('x.txt')], 1, /FILE_ACCESS.*list of labels/],
    ['an absent reference', () => withLabels('--against', folder.path('x.onnx')), 1, /FILE_ACCESS.*x\.onnx/],
    ['an unknown output', () => withLabels('--logits', 'nope'), 1, /one of logits, but received "nope"/],
  ])('refuses %s', async (_, options, code, message) => {
    const services = fakeServices();
    const outcome = await run(['evaluate', fp32, ...options(), ...PREPROCESS], services);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toMatch(message);
    expect(services.sessions.every(({ released }) => released === 1)).toBe(true);
  });
});
