import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { libraryServices } from '../../lib/cli/library-services';
import type { QuantizeSummary } from '../../lib';
import { temporaryFolder, writeImage } from '../evaluation/support';
import { fakeServices, run, type Outcome } from './harness';
import { convolutionModel } from './models';

const folder = temporaryFolder();
const images = folder.path('images');
const classes = folder.path('classes');
const list = folder.path('list.txt');
const model = folder.path('net.onnx');
const output = folder.path('out.onnx');
const PREPROCESS = ['--preprocess', 'symmetric', '--resize', 'none', '--crop', '8', '--threads', '1'];

beforeAll(async () => {
  convolutionModel(model);
  mkdirSync(images);
  for (let i = 0; i < 12; ++i) {
    await writeImage(folder.path('images', `${i}.png`), [20 * i, 90, 200 - 9 * i]);
    mkdirSync(folder.path('classes', `c${i % 3}`), { recursive: true });
    await writeImage(folder.path('classes', `c${i % 3}`, `${i}.png`), [9 * i, 70, 20 * i]);
  }
  writeFileSync(list, Array.from({ length: 12 }, (_, i) => `${i}.png ${i % 3}\n`).join(''));
});

function quantize(...args: string[]): Promise<Outcome> {
  return run(['quantize', model, '--data', images, '-o', output, ...PREPROCESS, ...args], libraryServices);
}

async function summaryOf(...args: string[]): Promise<QuantizeSummary> {
  const { stdout, code, stderr } = await quantize(...args, '--json');
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as QuantizeSummary;
}

describe('quantize', () => {
  test('splits one folder, says so, and returns nothing where all-INT8 is good enough', async () => {
    const { code, stdout, stderr } = await quantize('--samples', '4', '--min-sqnr', '1');
    expect(code).toBe(0);
    expect(stderr).toMatch(/^4 images to calibrate on, 8 others to validate on$/m);
    expect(stderr).toMatch(/No --validation: both are from ".*images", one in 3 calibrates/);
    expect(stdout).toMatch(/^All \d+ layers stay in INT8: that is within the limit\.$/m);
    expect(stdout).toMatch(/^limit +SQNR at least 1 dB: met$/m);
    expect(stdout).toMatch(/^measured on +8 images that did not calibrate$/m);
    expect(existsSync(output)).toBe(true);
  });

  test('returns layers, with why and at what price, in 80 columns', async () => {
    const { code, stdout } = await quantize('--samples', '4', '--min-sqnr', '100');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+ of \d+ layers returned to FP32, those that gain most first$/m);
    expect(stdout).toMatch(
      /^speed +\d+\.\d\d of all-INT8 \(\d+\.\d\d to \d+\.\d\d\), this machine, 1 thread$/m,
    );
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('where the limit cannot be met the best network is saved, the text says so and the code is 1', async () => {
    const { code, stdout } = await quantize('--samples', '4', '--min-sqnr', '100', '--min-int8', '100');
    expect(code).toBe(1);
    expect(stdout).toMatch(/: NOT MET$/m);
    expect(existsSync(output)).toBe(true);
  });

  test('takes labels from a list or from folders, and validates on other images than it calibrates on', async () => {
    const listed = await summaryOf('--max-drop', '100', '--labels', list, '--samples', '4');
    expect(listed.result).toMatchObject({ samples: 8, top1: expect.any(Number) as number });
    const foldered = await summaryOf('--max-drop', '100', '--validation', classes);
    expect(foldered).toMatchObject({
      samples: 12,
      result: { samples: 12, drop: expect.any(Number) as number },
    });
    const { stderr } = await quantize('--min-sqnr', '1', '--samples', '6', '--validation', images);
    expect(stderr).toMatch(/6 images of --validation are left out, since they calibrate/);
    const fewer = await summaryOf('--min-sqnr', '1', '--validation', classes, '--validation-samples', '5');
    expect(fewer.result.samples).toBe(5);
  });

  test('an interrupt leaves nothing', async () => {
    const controller = new AbortController();
    const services = {
      ...libraryServices,
      quantize: ((options) =>
        libraryServices.quantize({
          ...options,
          onProgress: ({ stage }) => stage === 'ranking' && controller.abort(),
        })) as typeof libraryServices.quantize,
    };
    const target = folder.path('never.onnx');
    const args = ['quantize', model, '--data', images, '--samples', '4', '-o', target, '--min-sqnr', '100'];
    const { code, stderr } = await run([...args, ...PREPROCESS], services, controller.signal);
    expect(code).toBe(130);
    expect(stderr).toMatch(/Interrupted; no file was written\.\n$/);
    expect(readdirSync(folder.path()).filter((name) => name.includes('never'))).toEqual([]);
  });

  test.each([
    ['no limit', [], 2, /--max-drop, --min-agreement or --min-sqnr is needed/],
    ['a limit that is no number', ['--min-sqnr', 'x'], 2, /Expected a number/],
    [
      'an impossible limit',
      ['--min-agreement', '101', '--samples', '4'],
      2,
      /--min-agreement.*'101'.*from 0 to 100/s,
    ],
    [
      'no labels for a drop',
      ['--max-drop', '1', '--samples', '4'],
      2,
      /--max-drop: the validation images have/,
    ],
    [
      'no image left',
      ['--min-sqnr', '9'],
      1,
      /INVALID_DATASET.*12 of the calibration but .* holds no others/,
    ],
    ['no time', ['--min-sqnr', '9', '--time-limit', '0'], 2, /number greater than 0/],
    [
      'a bad preprocessing',
      ['--min-sqnr', '9', '--samples', '4', '--validation-preprocess', 'x'],
      2,
      /--validation-preprocess: Expected imagenet/,
    ],
  ])('refuses %s', async (_, args, code, message) => {
    const services = fakeServices({ quantize: libraryServices.quantize });
    const target = folder.path('refused.onnx');
    const command = ['quantize', model, '--data', images, '-o', target, ...PREPROCESS, ...args];
    const outcome = await run(command, services);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toMatch(message);
    expect(existsSync(target)).toBe(false);
  });
});
