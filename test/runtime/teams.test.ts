import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NetworkBuilder } from '../../examples/networks/network-builder';
import { calibrate } from '../../examples/shared/calibrate';
import { InferenceSession, type Tensor } from '../../lib/index';
import { image } from '../support/networks';

const SIZE = 96;

/** Depthwise separable blocks and a pooling: in INT8 nearly all of its steps follow one another in our kernels. */
async function int8Network(): Promise<Uint8Array> {
  const network = new NetworkBuilder('teams', 3, 0.04);
  let x = network.relu('stem_relu', network.conv('stem', network.input(3, SIZE), 64, 3, 2));
  x = network.maxPool('stem_pool', x);
  for (const [i, width] of [128, 128, 256].entries()) {
    x = network.relu(`depthwise${i}_relu`, network.conv(`depthwise${i}`, x, x.channels, 3, 1, x.channels));
    x = network.relu(`pointwise${i}_relu`, network.conv(`pointwise${i}`, x, width, 1));
  }
  network.classifier(x, 10);
  const folder = await mkdtemp(join(tmpdir(), 'calibr8-test-'));
  try {
    const output = join(folder, 'int8.onnx');
    const feeds = async function* (): AsyncGenerator<{ data: Tensor }> {
      yield await Promise.resolve({ data: image(1, SIZE) });
    };
    await calibrate({ model: network.build(), output, feeds, samples: 1 });
    return await readFile(output);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const feed = (batch: number, seed: number): { data: Tensor } => ({ data: image(batch, SIZE, seed) });

describe('teams of threads', () => {
  let model: Uint8Array;
  let alone: InferenceSession;

  beforeAll(async () => {
    model = await int8Network();
    alone = await InferenceSession.create(model, { threadsPerStream: 1 });
  });
  afterAll(() => alone.release());

  test.each([2, 3, 7])('of %i give the answers of one thread, bit for bit', async (threadsPerStream) => {
    const session = await InferenceSession.create(model, { threadsPerStream });
    for (let run = 0; run < 30; ++run) {
      const feeds = feed(1 + (run % 3), run);
      expect(await session.run(feeds)).toEqual(await alone.run(feeds));
    }
    await session.release();
  });

  test('of several streams and sessions at once, more than processors', async () => {
    const sessions = await Promise.all(
      [1, 2, 3].map((streams) => InferenceSession.create(model, { streams, threadsPerStream: 3 })),
    );
    const feeds = Array.from({ length: 30 }, (_, i) => feed(1 + (i % 2), i % 5));
    const wanted = await Promise.all(feeds.map((each) => alone.run(each)));
    expect(await Promise.all(feeds.map((each, i) => sessions[i % 3]!.run(each)))).toEqual(wanted);
    await Promise.all(sessions.map((session) => session.release()));
  });

  test('are timed step by step', async () => {
    const session = await InferenceSession.create(model, { threadsPerStream: 2 });
    const { steps } = await session.profile(feed(1, 1), 3);
    expect(steps.map(({ name }) => name)).toEqual((await session.info()).steps.map(({ name }) => name));
    for (const { nanoseconds } of steps) expect(nanoseconds).toBeGreaterThanOrEqual(0);
    await session.release();
  });

  test('whose session is released during a run: it finishes or rejects with SESSION_CLOSED', async () => {
    const wanted = await alone.run(feed(3, 1));
    for (let round = 0; round < 10; ++round) {
      const session = await InferenceSession.create(model, { streams: 1, threadsPerStream: 2 });
      await session.run(feed(3, 1));
      const runs = Array.from({ length: 4 }, () =>
        session.run(feed(3, 1)).then(
          (results) => expect(results).toEqual(wanted),
          (error: unknown) => expect(error).toMatchObject({ code: 'SESSION_CLOSED' }),
        ),
      );
      if (round % 2) await new Promise(setImmediate);
      await Promise.all([session.release(), ...runs]);
    }
  });
});
