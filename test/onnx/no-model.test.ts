import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import { encode, failure, floats } from './support';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'calibr8-errors-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('files that are no model', () => {
  const text = new TextEncoder();
  const CASES: [string, Uint8Array, RegExp][] = [
    ['an empty file', new Uint8Array(), /the file is empty/],
    ['a JPEG', Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16, 74, 70, 73, 70), /looks like a JPEG image/],
    ['a PNG', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0), /looks like a PNG image/],
    ['a text', text.encode('hello world, this is no network at all'), /looks like text/],
    ['a web page', text.encode('<!DOCTYPE html><html></html>'), /HTML/],
    [
      'a Git LFS pointer',
      text.encode('version https://git-lfs.github.com/spec/v1\noid sha256:0'),
      /git lfs pull/,
    ],
    ['a PyTorch checkpoint', text.encode('PK\x03\x04archive/data.pkl'), /ZIP archive/],
    ['a TensorFlow Lite model', text.encode('\x1c\0\0\0TFL3'), /TensorFlow Lite/],
    ['nested groups', new Uint8Array(200_000).fill(0x7b), /not one, or are truncated/],
    ['a tensor', onnx.TensorProto.encode(floats('input', [2])).finish(), /hold none|not one/],
    ['a model without a graph', encode({ irVersion: 8, opsetImport: [{ version: 17 }] }), /hold none/],
  ];

  test.each(CASES)('%s', async (_name, bytes, message) => {
    const path = join(folder, 'file.onnx');
    await writeFile(path, bytes);
    const error = await failure(path);
    expect(error.code).toBe('INVALID_MODEL');
    expect(error.message).toMatch(message);
    expect(error.message).toContain(path);
  });

  test('a missing path', async () => {
    const error = await failure(join(folder, 'missing.onnx'));
    expect(error.code).toBe('FILE_ACCESS');
    expect(error.message).toMatch(/missing\.onnx: there is no such file/);
  });

  test('a folder', async () => {
    const error = await failure(folder);
    expect(error.code).toBe('FILE_ACCESS');
    expect(error.message).toMatch(/it is a folder/);
  });

  test('a device', async () => {
    expect((await failure('/dev/zero')).message).toMatch(/no regular file/);
  });

  test('a path with a null byte', async () => {
    expect((await failure('model\0.onnx')).code).toBe('FILE_ACCESS');
  });

  test.each([[''], [undefined], [42], [{}]])('%p instead of a path', async (source) => {
    expect((await failure(source as string)).code).toBe('INVALID_ARGUMENT');
  });

  test('a base directory that is no path', async () => {
    expect((await failure('model.onnx', { baseDirectory: 1 as unknown as string })).code).toBe(
      'INVALID_ARGUMENT',
    );
  });
});
