import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import fc from 'fast-check';
import { checkLabels, openDataset, readLabelList, spread } from '../../lib/evaluation/dataset';
import { temporaryFolder } from './support';

const folder = temporaryFolder();

function touch(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(folder.path(path)), { recursive: true });
    writeFileSync(folder.path(path), '');
  }
}

function list(name: string, text: string): string {
  touch(name);
  writeFileSync(folder.path(name), text);
  return folder.path(name);
}

beforeAll(() => {
  touch('flat/b.JPEG', 'flat/a.jpg', 'flat/c.PNG', 'flat/notes.txt', 'flat/.hidden.jpg', 'flat/deep/d.webp');
  touch('one/images/1.jpg', 'one/val_list.txt');
  touch('classes/zebra/1.jpg', 'classes/ant/2.jpg', 'classes/ant/1.jpg', 'classes/bee/x/3.jpeg');
  touch('empty/readme.txt');
  symlinkSync(folder.path('flat'), folder.path('flat/loop'));
});

describe('an unlabelled folder', () => {
  test('gives every image below it, sorted, without labels', async () => {
    const samples = await openDataset({ data: folder.path('flat') });
    expect(samples).toEqual(
      ['a.jpg', 'b.JPEG', 'c.PNG', 'deep/d.webp'].map((name) => ({ file: folder.path('flat', name) })),
    );
  });

  test.each([
    ['empty', 'INVALID_DATASET', /found none/],
    ['absent', 'FILE_ACCESS', /there is none/],
    ['flat/a.jpg', 'FILE_ACCESS', /it is not a folder/],
  ])('refuses %s', async (name, code, message) => {
    await expect(openDataset({ data: folder.path(name) })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });

  test('needs a folder or a list', async () => {
    await expect(openDataset({})).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('a folder a class', () => {
  test('numbers classes by name', async () => {
    const samples = await openDataset({ data: folder.path('classes'), labelOffset: 1 });
    const classes = folder.path('classes');
    expect(samples.map(({ file, label }) => [file.slice(classes.length + 1), label])).toEqual([
      ['ant/1.jpg', 1],
      ['ant/2.jpg', 1],
      ['bee/x/3.jpeg', 2],
      ['zebra/1.jpg', 3],
    ]);
  });

  test('a single folder is no class', async () => {
    const samples = await openDataset({ data: folder.path('one') });
    expect(samples).toEqual([{ file: folder.path('one/images/1.jpg') }]);
  });

  test('labels: false ignores the classes', async () => {
    const samples = await openDataset({ data: folder.path('classes'), labels: false });
    expect(samples).toHaveLength(4);
    expect(samples.every(({ label }) => label === undefined)).toBe(true);
  });
});

describe('a list of labels', () => {
  test('finds files beside the list, names with spaces too, and adds the offset', async () => {
    touch('listed/two words.jpg', 'listed/one.jpg');
    const path = list('listed/list.txt', 'one.jpg 3\r\n\n  two words.jpg\t7 \n');
    expect(await openDataset({ labels: path, labelOffset: 1 })).toEqual([
      { file: folder.path('listed/one.jpg'), label: 4, origin: `${path}, line 1` },
      { file: folder.path('listed/two words.jpg'), label: 8, origin: `${path}, line 3` },
    ]);
  });

  test('finds files in another folder, and by absolute path', async () => {
    const path = list('lists/other.txt', `a.jpg 0\n${folder.path('flat/b.JPEG')} 1\n`);
    const samples = await openDataset({ labels: path, data: folder.path('flat') });
    expect(samples.map(({ file }) => file)).toEqual([folder.path('flat/a.jpg'), folder.path('flat/b.JPEG')]);
  });

  test.each([
    ['a.jpg 1\na.jpg\n', 'INVALID_DATASET', /"file label".* line 2 but received "a\.jpg"/],
    ['a.jpg 1.5\n', 'INVALID_DATASET', /line 1/],
    ['7\n', 'INVALID_DATASET', /line 1/],
    ['\n\n', 'INVALID_DATASET', /holds none/],
    ['a.jpg 1\nmissing.jpg 2\n', 'INVALID_DATASET', /missing\.jpg" \(.*line 2\).*no such file.*--data/],
    ['deep 1\n', 'INVALID_DATASET', /no such file/],
  ])('refuses %j', async (text, code, message) => {
    await expect(readLabelList(list('flat/bad.txt', text))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });

  test('refuses an absent list', async () => {
    await expect(readLabelList(folder.path('no.txt'))).rejects.toMatchObject({
      code: 'FILE_ACCESS',
      message: expect.stringMatching(/list of labels .*there is none/) as string,
    });
  });
});

test('checkLabels names the sample, the range and the option', () => {
  const samples = [
    { file: 'a.jpg', label: 9 },
    { file: 'b.jpg', label: 10, origin: 'list.txt, line 2' },
  ];
  expect(() => checkLabels(samples, 11)).not.toThrow();
  expect(() => checkLabels([{ file: 'a.jpg' }], 1)).not.toThrow();
  expect(() => checkLabels(samples, 10)).toThrow(
    /0 to 9.*"b\.jpg" has 10 \(list\.txt, line 2\).*--label-offset/,
  );
  expect(() => checkLabels([{ file: 'c.jpg', label: -1 }], 10)).toThrow(/has -1/);
});

describe('spread', () => {
  test('takes every n-th, as samples[::max(1, len // count)][:count]', () => {
    const numbers = Array.from({ length: 10 }, (_, i) => i);
    expect(spread(numbers, 3)).toEqual([0, 3, 6]);
    expect(spread(numbers, 4)).toEqual([0, 2, 4, 6]);
    expect(spread(numbers, 6)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(spread(numbers, 20)).toEqual(numbers);
  });

  test('gives as many as asked for or all, in order, each once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 300 }), (length, count) => {
        const chosen = spread(
          Array.from({ length }, (_, i) => i),
          count,
        );
        expect(chosen).toHaveLength(Math.min(length, count));
        expect(chosen).toEqual([...new Set(chosen)].sort((a, b) => a - b));
      }),
    );
  });
});
