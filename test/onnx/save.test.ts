/** @jest-environment ./test/support/native-arrays-environment.js */
import promises from 'node:fs/promises';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { Calibr8Error } from '../../lib/errors';
import type { Graph } from '../../lib/graph/graph';
import { readModel, saveModel, writeModel, type SaveModelOptions } from '../../lib/onnx';
import { encode, floats, model, summary, valueInfo } from './support';

let folder: string;
let path: string;
let graph: Graph;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'calibr8-save-'));
  path = join(folder, 'm.onnx');
  const large = [floats('w', [3000]), floats('v', [3000]), floats('small', [1])];
  const node = [
    { opType: 'Sum', name: 'sum', input: ['x', 'w', 'v', 'small'], output: ['s'] },
    { opType: 'Relu', name: 'relu', input: ['s'], output: ['y'] },
  ];
  const boundary = { input: [valueInfo('x', [3000])], output: [valueInfo('y', [3000])] };
  graph = await readModel(encode(model({ initializer: large, node, ...boundary })));
});
afterEach(async () => {
  jest.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const save = (options?: SaveModelOptions): Promise<void> => saveModel(graph, path, options);

async function failure(options?: SaveModelOptions, to = path): Promise<Calibr8Error> {
  const error = await saveModel(graph, to, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Calibr8Error);
  return error as Calibr8Error;
}

test('saves what writeModel makes, and nothing beside it', async () => {
  await save();
  expect(await readdir(folder)).toEqual(['m.onnx']);
  expect(Buffer.compare(await readFile(path), writeModel(graph))).toBe(0);
});

test('external data is at page boundaries of one file and comes back', async () => {
  await save({ externalData: true });
  expect((await readdir(folder)).sort()).toEqual(['m.onnx', 'm.onnx.data']);
  const { initializer } = onnx.ModelProto.decode(await readFile(path)).graph!;
  const entries = initializer!.map(({ externalData }) =>
    externalData!.map(({ key, value }) => `${key} ${value}`),
  );
  expect(entries).toEqual([
    ['location m.onnx.data', 'offset 0', 'length 12000'],
    ['location m.onnx.data', 'offset 12288', 'length 12000'],
    [],
  ]);
  expect((await stat(`${path}.data`)).size).toBe(24288);
  expect(summary(await readModel(path))).toEqual(summary(graph));
});

test.each([true, false])('onnxruntime runs it, external data %p', async (externalData) => {
  await save({ externalData });
  const session = await InferenceSession.create(path, { logSeverityLevel: 3 });
  const { y } = await session.run({ x: new Tensor('float32', new Float32Array(3000).fill(0.5), [3000]) });
  expect(new Set(y!.data as Float32Array)).toEqual(new Set([3.5]));
  await session.release();
});

test('the threshold says what stays inside', async () => {
  await save({ externalData: { threshold: 1e6 } });
  expect(await readdir(folder)).toEqual(['m.onnx']);
  await save({ externalData: { threshold: 0 } });
  const { initializer } = onnx.ModelProto.decode(await readFile(path)).graph!;
  expect(initializer!.every(({ dataLocation }) => dataLocation === 1)).toBe(true);
});

test('saving twice gives the same files', async () => {
  await save({ externalData: true });
  const first = [await readFile(path), await readFile(`${path}.data`)];
  await saveModel(await readModel(path), path, { externalData: true });
  expect([await readFile(path), await readFile(`${path}.data`)]).toEqual(first);
});

test('a file that stands there keeps its permissions', async () => {
  await writeFile(path, 'old');
  await chmod(path, 0o640);
  await save();
  expect((await stat(path)).mode & 0o777).toBe(0o640);
});

test.each([
  [{ externalData: 'yes' }, /a boolean or \{ threshold \}/],
  [{ externalData: null }, /a boolean or/],
  [{ externalData: { threshold: -1 } }, /a number of bytes/],
])('options %j are refused', async (options, message) => {
  const error = await failure(options as unknown as SaveModelOptions);
  expect(error.code).toBe('INVALID_ARGUMENT');
  expect(error.message).toMatch(message);
});

test("a missing folder, and a folder in the file's place, are refused", async () => {
  const missing = await failure({}, join(folder, 'no', 'm.onnx'));
  expect(missing.code).toBe('FILE_ACCESS');
  expect(missing.message).toMatch(/Cannot write .*no\/m\.onnx: there is no such file or folder/);
  await mkdir(path);
  expect((await failure({ externalData: true })).message).toMatch(/a folder or special file stands there/);
  expect(await readdir(folder)).toEqual(['m.onnx']);
});

describe('on failure the former files stay and no temporary one does', () => {
  /** Lets the handles of temporary files write `whole` calls, then fail as a full disk does: a short write, then none. */
  function fillDisk(whole: number): void {
    const real = promises.open;
    jest.spyOn(promises, 'open').mockImplementation(async (...args) => {
      const handle = await real(...args);
      const write = handle.write.bind(handle) as (...rest: unknown[]) => Promise<{ bytesWritten: number }>;
      const limited = async (bytes: Uint8Array, offset: number, length: number, position: number) => {
        if (whole-- > 0) return write(bytes, offset, length, position);
        if (whole === -1) return write(bytes, offset, length >> 1, position);
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      };
      handle.write = limited as unknown as typeof handle.write;
      return handle;
    });
  }

  beforeEach(async () => {
    await writeFile(path, 'old model');
    await writeFile(`${path}.data`, 'old data');
  });
  afterEach(async () => {
    expect((await readdir(folder)).sort()).toEqual(['m.onnx', 'm.onnx.data']);
    expect(await readFile(path, 'utf8')).toBe('old model');
    expect(await readFile(`${path}.data`, 'utf8')).toBe('old data');
  });

  test.each([0, 1, 2])('a disk that is full after %i writes', async (whole) => {
    fillDisk(whole);
    const error = await failure({ externalData: true });
    expect(error.code).toBe('FILE_ACCESS');
    expect(error.message).toMatch(/Cannot write .*m\.onnx(\.data)?: the disk is full/);
  });

  test('a rename that is refused', async () => {
    jest.spyOn(promises, 'rename').mockRejectedValue(Object.assign(new Error('busy'), { code: 'EPERM' }));
    expect((await failure()).message).toMatch(/permission was denied/);
  });

  test('a graph that cannot be written', async () => {
    [...graph.nodes][0]!.postOps = [{ kind: 'sum', input: 1 }];
    expect((await failure({ externalData: true })).code).toBe('INTERNAL_GRAPH');
  });
});
