import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { onnx } from 'onnx-proto';
import { Calibr8Error } from '../../lib/errors';
import { readModel } from '../../lib/onnx';
import { encode, model } from './support';

let root: string;
let folder: string;
let path: string;
const weights = Float32Array.of(1, 2, 3, 4);

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'calibr8-external-'));
  folder = join(root, 'model');
  path = join(folder, 'm.onnx');
  await mkdir(folder);
  await writeFile(join(folder, 'm.data'), Buffer.concat([Buffer.alloc(8), Buffer.from(weights.buffer)]));
});
afterEach(() => rm(root, { recursive: true }));

function external(entries: Record<string, string>, dims = [4]): onnx.ITensorProto {
  const externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
  return { name: 'w', dims, dataType: 1, dataLocation: 1, externalData };
}

function bytes(entries: Record<string, string>, dims?: number[]): Uint8Array {
  return encode(model({ initializer: [external(entries, dims)] }));
}

const GOOD = { location: 'm.data', offset: '8', length: '16' };

async function weightOf(
  source: string | Uint8Array,
  options?: { baseDirectory?: string },
): Promise<number[]> {
  const graph = await readModel(source, options);
  return [...graph.nodes][0]!.inputs[1]!.constant!.toNumbers();
}

async function failure(
  source: string | Uint8Array,
  options?: { baseDirectory?: string },
): Promise<Calibr8Error> {
  const error = await weightOf(source, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Calibr8Error);
  return error as Calibr8Error;
}

test('is found beside the model', async () => {
  await writeFile(path, bytes(GOOD));
  expect(await weightOf(path)).toEqual([1, 2, 3, 4]);
});

test('needs no length', async () => {
  await writeFile(path, bytes({ location: 'm.data', offset: '8' }));
  expect(await weightOf(path)).toEqual([1, 2, 3, 4]);
});

test('of a model given as bytes is found in the base directory, and only there', async () => {
  expect(await weightOf(bytes(GOOD), { baseDirectory: folder })).toEqual([1, 2, 3, 4]);
  const error = await failure(bytes(GOOD));
  expect(error.code).toBe('INVALID_ARGUMENT');
  expect(error.message).toMatch(
    /path of the model but received its bytes, and tensor "w" is stored in another file, "m\.data"/,
  );
});

test('is read once where tensors share it', async () => {
  const shared = { ...external(GOOD), name: 'v' };
  const node = [{ opType: 'Sum', input: ['x', 'w', 'v'], output: ['y'] }];
  await writeFile(path, encode(model({ initializer: [external(GOOD), shared], node })));
  const [sum] = [...(await readModel(path)).nodes];
  expect(sum!.inputs[1]!.constant!.bytes).toBe(sum!.inputs[2]!.constant!.bytes);
});

test('serves attributes too', async () => {
  const node = [
    { opType: 'Constant', output: ['w'], attribute: [{ name: 'value', type: 4, t: external(GOOD) }] },
    { opType: 'Add', input: ['x', 'w'], output: ['y'] },
  ];
  await writeFile(path, encode(model({ initializer: [], node })));
  const [add] = [...(await readModel(path)).nodes];
  expect(add!.inputs[1]!.constant!.toNumbers()).toEqual([1, 2, 3, 4]);
});

test('that nobody uses is not looked for', async () => {
  const node = [{ opType: 'Relu', input: ['x'], output: ['y'] }];
  await writeFile(path, encode(model({ initializer: [external({ location: 'nowhere' })], node })));
  expect((await readModel(path)).nodes.size).toBe(1);
});

test.each([
  ['/etc/hostname'],
  ['../secret'],
  ['sub/../../secret'],
  ['..\\secret'],
  ['C:\\secret'],
  [''],
  ['m.data\0'],
])('may not be %j', async (location) => {
  await writeFile(join(root, 'secret'), Buffer.alloc(64));
  await writeFile(path, bytes({ ...GOOD, location }));
  const error = await failure(path);
  expect(error.code).toBe('INVALID_MODEL');
  expect(error.message).toContain(
    `${path}: Expected a path inside the model's folder for the external data of tensor "w"`,
  );
});

test('may not be a link that leads out', async () => {
  await writeFile(join(root, 'secret'), Buffer.alloc(64));
  await symlink(join(root, 'secret'), join(folder, 'link'));
  await writeFile(path, bytes({ ...GOOD, location: 'link' }));
  expect((await failure(path)).message).toMatch(/"link" is a link to .*secret/);
});

test('of a linked model may be linked too, or beside the real model', async () => {
  await writeFile(path, bytes(GOOD));
  await mkdir(join(root, 'links'));
  await symlink(path, join(root, 'links', 'm.onnx'));
  expect(await weightOf(join(root, 'links', 'm.onnx'))).toEqual([1, 2, 3, 4]);
  await symlink(join(folder, 'm.data'), join(root, 'links', 'm.data'));
  expect(await weightOf(join(root, 'links', 'm.onnx'))).toEqual([1, 2, 3, 4]);
});

test('that is missing is named', async () => {
  await writeFile(path, bytes({ ...GOOD, location: 'weights.bin' }));
  const error = await failure(path);
  expect(error.code).toBe('FILE_ACCESS');
  expect(error.message).toMatch(/external data of tensor "w": there is no file "weights\.bin" in .*model/);
});

test('that is a folder is refused', async () => {
  await mkdir(join(folder, 'm.dir'));
  await writeFile(path, bytes({ ...GOOD, location: 'm.dir' }));
  expect((await failure(path)).code).toBe('FILE_ACCESS');
});

test('that is too short is refused', async () => {
  await writeFile(path, bytes(GOOD));
  await truncate(join(folder, 'm.data'), 20);
  const error = await failure(path);
  expect(error.code).toBe('INVALID_MODEL');
  expect(error.message).toMatch(
    /Expected 16 bytes at offset 8 of .*m\.data for tensor "w" but the file has 20 bytes/,
  );
});

test('of a gigantic shape reserves no memory', async () => {
  await writeFile(path, bytes({ location: 'm.data' }, [2 ** 45]));
  expect((await failure(path)).message).toMatch(/but the file has 24 bytes/);
});

test.each([
  ['length', '12', /Expected 16 bytes of external data for tensor "w" but the model declares 12/],
  ['offset', '-8', /whole number for the external data offset of tensor "w" but received "-8"/],
  ['offset', '1e3', /received "1e3"/],
  ['offset', '9'.repeat(16), /whole number/],
  ['length', '', /received ""/],
])('with %s %j is refused', async (key, value, message) => {
  await writeFile(path, bytes({ ...GOOD, [key]: value }));
  expect((await failure(path)).message).toMatch(message);
});
