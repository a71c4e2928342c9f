import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Inspection } from '../../lib/cli/inspect';
import { libraryServices } from '../../lib/cli/library-services';
import { packageRoot } from '../../lib/runtime/load';
import { temporaryFolder, writeImage } from '../evaluation/support';
import { run } from './harness';
import { convolutionModel } from './models';

const built = existsSync(join(packageRoot(), 'build', 'Release', 'calibr8.node'));
const describeWithAddon = built ? describe : describe.skip;

/** Runs a command with the real library and reads its JSON. */
async function command<T = Record<string, unknown>>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await run([...args, '--json'], libraryServices);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as T;
}

describeWithAddon(
  `the commands with the real library${built ? '' : ' (skipped: the addon is not built)'}`,
  () => {
    const folder = temporaryFolder();
    const images = folder.path('images');
    const list = folder.path('list.txt');
    const model = folder.path('net.onnx');
    const int8 = folder.path('net.int8.onnx');
    const preprocessing = ['--preprocess', 'symmetric', '--resize', 'none', '--crop', '8', '--threads', '1'];

    beforeAll(async () => {
      convolutionModel(model);
      mkdirSync(images);
      for (let i = 0; i < 12; ++i)
        await writeImage(folder.path('images', `${i}.png`), [20 * i, 90, 200 - 9 * i]);
      writeFileSync(list, Array.from({ length: 12 }, (_, i) => `${i}.png ${i}\n`).join(''));
      await command('calibrate', model, '--data', images, '--samples', '12', ...preprocessing);
    });

    test('calibrate leaves the INT8 model and nothing else', () => {
      expect(readdirSync(folder.path()).sort()).toEqual(['images', 'list.txt', 'net.int8.onnx', 'net.onnx']);
    });

    test('shards merge to the table, and to the INT8 model, of one run', async () => {
      const parts = folder.path('parts');
      mkdirSync(parts);
      const sample = ['calibrate', model, '--data', images, '--samples', '10', ...preprocessing];
      const options = ['--algo', 'auto', '--override', '{"match":"data","observer":"KL"}'];
      for (const i of [1, 2, 3]) {
        const table = join(parts, `${i}.json`);
        const result = await command(...sample, ...options, '--shard', `${i}/3`, '--save-table', table);
        expect(result).toMatchObject({ samples: i === 1 ? 4 : 3, images: i === 1 ? 4 : 3, table });
      }
      expect(readdirSync(parts)).toHaveLength(3);
      const tables = [3, 1, 2].map((i) => join(parts, `${i}.json`));
      const merged = join(parts, 'merged.json');
      expect(await command('merge', ...tables, '-o', merged)).toMatchObject({ samples: 10, tensors: 1 });
      const [whole, direct, reused] = ['whole.json', 'direct.onnx', 'reused.onnx'].map((x) => join(parts, x));
      await command(...sample, ...options, '--save-table', whole!, '-o', direct!);
      expect(readFileSync(merged, 'utf8')).toBe(readFileSync(whole!, 'utf8'));
      const summary = await command('calibrate', model, '--table', merged, '-o', reused!, '--threads', '1');
      expect(summary).toMatchObject({ samples: 10, images: 10, algorithm: 'auto' });
      expect(Buffer.compare(readFileSync(reused!), readFileSync(direct!))).toBe(0);
      // As many shards as samples, and one more.
      const shard = async (text: string) =>
        (await run([...sample, '--shard', text, '--save-table', join(parts, 'x.json')], libraryServices))
          .code;
      expect([await shard('10/10'), await shard('11/11')]).toEqual([0, 2]);
    });

    test('evaluate compares the two, with the preprocessing of the receipt', async () => {
      const args = ['--data', images, '--labels', list, '--against', model, '--threads', '1'];
      const result = await command('evaluate', int8, ...args);
      expect(result).toMatchObject({ samples: 12, precision: 'int8', reference: { precision: 'fp32' } });
      expect(result['preprocessing']).toBe('{"preset":"symmetric","resize":null,"crop":8}');
      expect(result['sqnrDb']).toBeGreaterThan(25);
    });

    test('inspect shows INT8 and the receipt', async () => {
      const { execution, receipt } = await command<Inspection>('inspect', int8);
      expect(execution).toMatchObject({ precision: 'int8', complexity: { int8Percent: 100 } });
      expect(execution.steps!.some(({ kernel }) => kernel === 'convolution')).toBe(true);
      expect(receipt).toMatchObject({ algorithm: 'max', samples: '12' });
    });

    test('benchmark measures both', async () => {
      const { results } = await command<{
        results: { precision: string; imagesPerSecond: { median: number } }[];
      }>(...['benchmark', model, int8, '--seconds', '0.1', '--threads', '1']);
      expect(results.map(({ precision }) => precision)).toEqual(['fp32', 'int8']);
      for (const { imagesPerSecond } of results) expect(imagesPerSecond.median).toBeGreaterThan(0);
    });

    test('doctor finds oneDNN', async () => {
      const report = await command('doctor');
      expect(report).toMatchObject({ onednn: { version: expect.stringMatching(/^\d+\.\d+/) as string } });
    });

    test('calibrating an INT8 model is refused', async () => {
      const args = ['calibrate', int8, '--data', images, '-o', folder.path('again.onnx'), ...preprocessing];
      const { code, stderr } = await run(args, libraryServices);
      expect(code).toBe(1);
      expect(stderr).toMatch(/error \[ALREADY_QUANTIZED\]: /);
      expect(existsSync(folder.path('again.onnx'))).toBe(false);
    });
  },
);
