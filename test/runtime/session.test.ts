import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InferenceSession as OnnxruntimeSession } from 'onnxruntime-common';
import { InferenceSession, Tensor, type SessionOptions } from '../../lib/index';
import { ModelBuilder } from '../support/model';
import { createSmall, image, smallNetwork } from '../support/networks';
import { float32, withSession } from '../support/run';

const bytes = smallNetwork().bytes();
let session: InferenceSession;

beforeAll(async () => {
  session = await InferenceSession.create(bytes, { threadsPerStream: 1 });
});
afterAll(() => session.release());

describe('creating a session', () => {
  const expectWorks = async (created: Promise<InferenceSession>): Promise<void> => {
    const other = await created;
    const feeds = { image: image(1) };
    expect(await other.run(feeds)).toEqual(await session.run(feeds));
    await other.release();
  };

  test('from a path', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'calibr8-session-'));
    try {
      const path = join(folder, 'model.onnx');
      await writeFile(path, bytes);
      await expectWorks(InferenceSession.create(path, { threadsPerStream: 1 }));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('from an ArrayBuffer', () => expectWorks(InferenceSession.create(bytes.slice().buffer)));

  test('from a part of an ArrayBuffer', () => {
    const padded = new Uint8Array(bytes.length + 20);
    padded.set(bytes, 13);
    return expectWorks(InferenceSession.create(padded.buffer, 13, bytes.length, { threadsPerStream: 1 }));
  });

  test('from a view into a larger buffer', () => {
    const padded = new Uint8Array(bytes.length + 20);
    padded.set(bytes, 7);
    return expectWorks(InferenceSession.create(padded.subarray(7, 7 + bytes.length)));
  });

  test('from a SharedArrayBuffer', () => {
    const shared = new SharedArrayBuffer(bytes.length);
    new Uint8Array(shared).set(bytes);
    return expectWorks(InferenceSession.create(shared));
  });

  test("with onnxruntime's options, which mean nothing here", () =>
    expectWorks(
      InferenceSession.create(bytes, {
        executionProviders: ['cpu'],
        graphOptimizationLevel: 'all',
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        enableGraphCapture: false,
      }),
    ));

  test('with options that are typed as such, or as those of onnxruntime-common', async () => {
    const options: SessionOptions = { streams: 1, threadsPerStream: 1 };
    await expectWorks(InferenceSession.create(bytes, options));
    const others: OnnxruntimeSession.SessionOptions = { intraOpNumThreads: 1, logSeverityLevel: 3 };
    await expectWorks(InferenceSession.create(bytes, others));
  });

  test.each([
    [[-1], /for byteOffset but received -1/],
    [[1.5], /for byteOffset but received 1\.5/],
    [[bytes.length + 1], /a whole number from 0 to \d+, the buffer's bytes, for byteOffset/],
    [[4, bytes.length - 3], /a whole number from 0 to \d+, the bytes from byteOffset on, for byteLength/],
    [[0, -1], /for byteLength but received -1/],
  ])('refuses the part %p of a buffer', async (part, message) => {
    const [byteOffset, byteLength] = part as [number, number?];
    const creating = InferenceSession.create(bytes.slice().buffer, byteOffset, byteLength);
    await expect(creating).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    });
  });

  test('refuses a part of what is no ArrayBuffer', async () => {
    const creating = InferenceSession.create('model.onnx' as unknown as ArrayBuffer, 3);
    await expect(creating).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/an ArrayBuffer, which byteOffset .*received "model\.onnx"/),
    });
  });

  test.each([
    [{ streems: 2 }, 'streems'],
    [{ streams: 0 }, 'streams'],
    [{ streams: 300 }, 'from 1 to 256 for streams'],
    [{ threadsPerStream: 1.5 }, 'threadsPerStream'],
    [{ intraOpNumThreads: 'all' }, 'intraOpNumThreads'],
  ])('refuses the options %p', async (options, name) => {
    const creating = InferenceSession.create(bytes, options as Record<string, unknown>);
    await expect(creating).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(name),
    });
  });

  test.each([[undefined], [42], [{}], [null]])('refuses the model %p', async (model) => {
    const creating = InferenceSession.create(model as unknown as string);
    await expect(creating).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('threads are what was asked for', async () => {
    const other = await createSmall({ streams: 2, threadsPerStream: 3 });
    expect(other.threads).toEqual({ streams: 2, threadsPerStream: 3 });
    await other.release();
  });

  test('a shape error shows at creation where the shapes are known', async () => {
    const model = new ModelBuilder();
    const w = model.constant(new Float32Array(4 * 5 * 9), [4, 5, 3, 3]);
    model.output(model.node('Conv', [model.input('x', [1, 3, 8, 8]), w]));
    await expect(InferenceSession.create(model.bytes())).rejects.toMatchObject({
      code: 'INVALID_SHAPE',
      message: expect.stringMatching(/Conv node .*expected 5 input channels/),
    });
  });

  test('an unknown operator is named with its node', async () => {
    const model = new ModelBuilder();
    model.output(model.node('Frobnicate', [model.input('x', [1])]));
    await expect(InferenceSession.create(model.bytes())).rejects.toMatchObject({
      code: 'UNSUPPORTED_OPERATOR',
      message: expect.stringMatching(/Frobnicate.*Frobnicate0/),
    });
  });
});

describe('metadata', () => {
  test('names, types and shapes of inputs and outputs', () => {
    expect(session.inputNames).toEqual(['image']);
    expect(session.inputMetadata).toEqual([
      { name: 'image', isTensor: true, type: 'float32', shape: ['batch', 3, 'height', 'width'] },
    ]);
    expect(session.outputNames).toHaveLength(2);
    expect(session.outputMetadata[0]).toMatchObject({
      isTensor: true,
      type: 'float32',
      shape: ['batch', 10],
    });
    expect(session.precision).toBe('fp32');
  });
});

describe('running', () => {
  const names = (): [string, string] => [session.outputNames[0]!, session.outputNames[1]!];

  test('gives every output by name', async () => {
    const results = await session.run({ image: image(1) });
    expect(Object.keys(results)).toEqual(names());
    expect(results[names()[0]]!.dims).toEqual([1, 10]);
    expect(results[names()[0]]).toBeInstanceOf(Tensor);
  });

  test('fetches by an array of names', async () => {
    const [, wanted] = names();
    expect(Object.keys(await session.run({ image: image(1) }, [wanted]))).toEqual([wanted]);
  });

  test('fetches by an object, into a given tensor or a new one', async () => {
    const [first, second] = names();
    const all = await session.run({ image: image(1) });
    const target = float32(new Float32Array(10), [1, 10]);
    const results = await session.run({ image: image(1) }, { [first]: target, [second]: null });
    expect(results[first]).toBe(target);
    expect(target.data).toEqual(all[first]!.data);
    expect(results[second]).toEqual(all[second]);
  });

  test('takes run options in the place of fetches', async () => {
    const results = await session.run({ image: image(1) }, { logSeverityLevel: 0 });
    expect(Object.keys(results)).toEqual(names());
  });

  test('refuses an unknown fetch and a target of another size', async () => {
    const [first] = names();
    await expect(session.run({ image: image(1) }, ['nothing'])).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('nothing'),
    });
    const small = float32(new Float32Array(9), [1, 9]);
    await expect(session.run({ image: image(1) }, { [first]: small })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: `Expected a Tensor of float32 [1, 10] to receive "${first}" but received a Tensor of float32 [1, 9].`,
    });
    const turned = float32(new Float32Array(10), [10, 1]);
    await expect(session.run({ image: image(1) }, { [first]: turned })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('received a Tensor of float32 [10, 1]'),
    });
  });

  test.each([[[]], [null], ['logits'], [image(1)]])('refuses the fetches %p', async (fetches) => {
    await expect(session.run({ image: image(1) }, fetches as unknown as string[])).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/Expected an array of output names, .* for fetches but received/),
    });
  });

  test('every run has answers of its own', async () => {
    const [first] = names();
    const early = (await session.run({ image: image(1, 12, 1) }))[first]!;
    const kept = [...early.data];
    const late = (await session.run({ image: image(1, 12, 2) }))[first]!;
    expect([...early.data]).toEqual(kept);
    expect([...late.data]).not.toEqual(kept);
    expect(Object.isFrozen(late.dims)).toBe(true);
    expect(late.reshape([10]).dims).toEqual([10]);
  });

  test('feeds whose memory was given away are refused, before and after a run of the same shape', async () => {
    for (const size of [12, 12, 11]) {
      const gone = image(1, size);
      structuredClone(gone.data.buffer, { transfer: [gone.data.buffer as ArrayBuffer] });
      await expect(session.run({ image: gone })).rejects.toMatchObject({ code: 'INVALID_FEED' });
      await session.run({ image: image(1, size) });
    }
  });

  test('feeds whose memory is given away during the run do no harm', async () => {
    const wanted = await session.run({ image: image(1, 12) });
    for (const size of [12, 10]) {
      const going = image(1, size);
      const run = session.run({ image: going });
      structuredClone(going.data.buffer, { transfer: [going.data.buffer as ArrayBuffer] });
      await Promise.allSettled([run]);
    }
    expect(await session.run({ image: image(1, 12) })).toEqual(wanted);
  });

  test('a plain object with the fields of a tensor is one', async () => {
    const { type, data, dims } = image(1);
    const foreign = { type, data, dims: [...dims] } as unknown as Tensor;
    expect(await session.run({ image: foreign })).toEqual(await session.run({ image: image(1) }));
  });

  test('batches and sizes may vary from run to run', async () => {
    const single = async (seed: number, size: number): Promise<Tensor> =>
      (await session.run({ image: image(1, size, seed) }))[names()[0]]!;
    for (const [batch, size] of [
      [1, 12],
      [2, 12],
      [7, 12],
      [1, 9],
      [3, 1],
      [1, 12],
    ] as const) {
      const parts = Array.from({ length: batch }, (_, i) => image(1, size, i + 1));
      const joined = new Float32Array(batch * parts[0]!.size);
      parts.forEach((part, i) => joined.set(part.data, i * part.size));
      const batched = (await session.run({ image: float32(joined, [batch, 3, size, size]) }))[names()[0]]!;
      expect(batched.dims).toEqual([batch, 10]);
      for (let i = 0; i < batch; ++i) {
        const row = (batched.data as Float32Array).subarray(i * 10, i * 10 + 10);
        const alone = (await single(i + 1, size)).data as Float32Array;
        row.forEach((x, j) => expect(x).toBeCloseTo(alone[j]!, 4));
      }
    }
  });

  test('more shapes than a session keeps programs for', async () => {
    const first = await session.run({ image: image(1, 4) });
    for (let size = 5; size < 20; ++size) await session.run({ image: image(1, size) });
    expect(await session.run({ image: image(1, 4) })).toEqual(first);
  });

  test('an output that is an input or a constant, and the same value twice', async () => {
    const model = new ModelBuilder();
    const x = model.input('x', [3]);
    model.output(x).output(model.node('Identity', [model.constant([5, 6], [2])]));
    const y = model.node('Neg', [x]);
    model.output(y).output(model.node('Identity', [y]));
    await withSession(model, async (other) => {
      const results = await other.run({ x: float32([1, 2, 3], [3]) });
      expect(Object.values(results).map(({ data }) => [...data])).toEqual([
        [1, 2, 3],
        [5, 6],
        [-1, -2, -3],
        [-1, -2, -3],
      ]);
    });
  });

  test('an input whose values decide about shapes is looked at in every run', async () => {
    const model = new ModelBuilder();
    const shape = model.input('shape', [2], 'int64');
    model.output(model.node('Reshape', [model.node('Neg', [model.input('x', [6])]), shape]));
    await withSession(model, async (other) => {
      const x = float32([1, 2, 3, 4, 5, 6], [6]);
      for (const dims of [
        [2, 3],
        [3, 2],
        [3, 2],
        [2, 3],
      ]) {
        const results = await other.run({ x, shape: new Tensor('int64', dims.map(BigInt), [2]) });
        expect(Object.values(results)[0]).toMatchObject({ dims, data: x.data.map((each) => -each) });
      }
    });
  });

  test('profile and info list the same steps', async () => {
    const info = await session.info({ image: [1, 3, 12, 12] });
    const profile = await session.profile({ image: image(1) }, 3);
    expect(profile.steps.map(({ name }) => name)).toEqual(info.steps.map(({ name }) => name));
    expect(profile.totalNanoseconds).toBeGreaterThan(0);
    expect(info.arenaBytes).toBeGreaterThan(0);
    for (const shapes of [
      { image: image(1) },
      { image: [1, 3] },
      { image: [1, 4, 12, 12] },
      { image: [1, 3, 12, 1.5] },
      { image: [2 ** 31, 3, 12, 12] },
      { picture: [1, 3, 12, 12] },
      [1, 3, 12, 12],
      null,
    ])
      await expect(session.info(shapes as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(session.profile({ image: image(1) }, 0)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
