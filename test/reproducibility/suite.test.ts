import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chooseCases, withSharedData } from '../../scripts/reproduce/cases';
import { Checks } from '../../scripts/reproduce/checks';
import { reproduceCommand, type ReproduceOptions } from '../../scripts/reproduce/options';
import { reproduceCase } from '../../scripts/reproduce/reproduce-case';
import { packageRoot } from '../../lib/runtime/load';
import { temporaryFolder } from '../evaluation/support';
import { dataPath, describeWithData } from '../support/data';

const built = existsSync(join(packageRoot(), 'build', 'Release', 'calibr8.node'));
const describeWithAddon = built ? describe : describe.skip;

/** What the command line gives for arguments and environment variables. */
async function parse(args: string[], env: NodeJS.ProcessEnv = {}): Promise<ReproduceOptions> {
  const before = process.env;
  process.env = { ...env };
  try {
    let result: ReproduceOptions | undefined;
    await reproduceCommand(async (options) => void (result = options)).parseAsync(args, { from: 'user' });
    return result!;
  } finally {
    process.env = before;
  }
}

beforeEach(() => void jest.spyOn(process.stderr, 'write').mockReturnValue(true));
afterEach(() => jest.restoreAllMocks());

test('the environment says what the options say', async () => {
  const env = {
    DATASET: 'full',
    IMAGENET_DIR: 'val',
    RESNET50_MODEL: 'r.onnx',
    MOBILENET_MODEL: 'm.onnx',
    MOBILENET_PREPROCESS: 'symmetric',
    MOBILENET_LABEL_OFFSET: '1',
  };
  expect(await parse(['--mobilenet-model', 'other.onnx'], env)).toMatchObject({
    ...{ dataset: 'full', imagenetDir: 'val', resnet50Model: 'r.onnx', mobilenetModel: 'other.onnx' },
    ...{ mobilenetPreprocess: 'symmetric', mobilenetLabelOffset: 1, samples: 50, tolerance: 0.01 },
    ...{ resnet50Algo: 'max', mobilenetAlgo: 'KL' },
  });
});

test('the small data set has the two trained networks, as published: max and KL', async () => {
  const cases = await chooseCases(await parse([]));
  expect(cases.map(({ name, algo }) => [name, algo])).toEqual([
    ['shapes-resnet', 'max'],
    ['shapes-mobilenet', 'KL'],
  ]);
});

test('the full data set asks for what it needs', async () => {
  const nothing = await parse(['--dataset', 'full']);
  const noModel = await parse(['--dataset', 'full', '--imagenet-dir', 'val']);
  const before = process.env['CALIBR8_DATA'];
  delete process.env['CALIBR8_DATA'];
  try {
    await expect(chooseCases(nothing)).rejects.toThrow(/IMAGENET_DIR/);
    await expect(chooseCases(noModel)).rejects.toThrow(/RESNET50_MODEL/);
  } finally {
    if (before !== undefined) process.env['CALIBR8_DATA'] = before;
  }
});

test('CALIBR8_DATA stands in for models and images, each alone', async () => {
  const none = await parse(['--dataset', 'full']);
  expect(withSharedData(none, '')).toBe(none);
  expect(withSharedData(none, '/data')).toMatchObject({
    imagenetDir: '/data/imagenet-val',
    mobilenetPreprocess: 'symmetric',
  });
  const own = withSharedData({ ...none, mobilenetModel: 'm.onnx' }, '/data');
  expect(own).toMatchObject({ mobilenetModel: 'm.onnx', calibrationDir: '/data/imagenet-calib' });
  expect(own.resnet50Model).toBeUndefined();
  expect(own.mobilenetPreprocess).toBeUndefined();
});

test('checks count and print', () => {
  const lines: string[] = [];
  const checks = new Checks((line) => lines.push(line));
  checks.check('one', true);
  checks.check('two', false, 'numbers');
  expect(lines).toEqual(['pass  one', 'FAIL  two\n      numbers']);
  expect(checks.summary).toBe('1 passed, 1 failed');
});

describeWithAddon(`the suite itself${built ? '' : ' (skipped: the addon is not built)'}`, () => {
  const folder = temporaryFolder();

  async function run(options: ReproduceOptions, threads: number): Promise<[string, string[]]> {
    const lines: string[] = [];
    const checks = new Checks((line) => lines.push(line));
    const { samples } = options;
    for (const subject of await chooseCases(options))
      await reproduceCase(subject, { folder: folder.path(), samples, threads, tolerance: 0.05 }, checks);
    return [checks.summary, lines];
  }

  test.each([1, 2])('a few shapes pass on %i thread(s)', async (threads) => {
    const [summary, lines] = await run(await parse(['--images', '48', '--samples', '8']), threads);
    expect([summary, lines.filter((line) => line.startsWith('FAIL'))]).toEqual(['6 passed, 0 failed', []]);
  });

  describeWithData('on image files', () => {
    test('a network of the test data passes', async () => {
      const env = {
        DATASET: 'full',
        IMAGENET_DIR: dataPath('imagenet-val'),
        CALIBRATION_DIR: dataPath('imagenet-calib'),
        MOBILENET_MODEL: dataPath('models', 'mobilenet_v1_0.25_224.onnx'),
      };
      const args = ['--images', '24', '--samples', '8', '--mobilenet-algo', 'max'];
      const [, lines] = await run(await parse(args, env), 1);
      expect(lines.slice(0, 2).every((line) => line.startsWith('pass'))).toBe(true);
      expect(lines[2]).toMatch(/on 24 images/);
    });
  });
});
