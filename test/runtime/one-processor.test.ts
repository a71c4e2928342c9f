import type { InferenceSession } from '../../lib';

// The executor asks this once for each session.
jest.mock('../../lib/runtime/processors', () => ({
  ...jest.requireActual<object>('../../lib/runtime/processors'),
  availableProcessors: () => 1,
}));

import { InferenceSession as Session } from '../../lib';
import { image, smallNetwork } from '../support/networks';

let session: InferenceSession;
beforeAll(async () => {
  session = await Session.create(smallNetwork().bytes(), { streams: 1, threadsPerStream: 1 });
});
afterAll(() => session.release());

const answer = async (feed: ReturnType<typeof image>, by = session): Promise<unknown> =>
  Object.values(await by.run({ image: feed }))[0]!.data;

/** Whether a run has ended when it returns, without the event loop. */
async function endsAtOnce(by = session): Promise<boolean> {
  let ended = false;
  const running = by.run({ image: image(1) }).then(() => (ended = true));
  for (let i = 0; i < 20; ++i) await Promise.resolve();
  const result = ended;
  await running;
  return result;
}

/** The first runs may be slow, and on a busy machine any one. */
async function comesToEndAtOnce(by = session): Promise<boolean> {
  for (let i = 0; i < 200; ++i) {
    await new Promise(setImmediate);
    if (await endsAtOnce(by)) return true;
  }
  return false;
}

describe('a session that shares the only processor with its caller', () => {
  test('runs short networks in the call, once it knows that they are', async () => {
    expect(await endsAtOnce()).toBe(false);
    expect(await comesToEndAtOnce()).toBe(true);
  });

  test('gives the same answers in either place', async () => {
    const feeds = [1, 2, 3].map((seed) => image(seed));
    const here: unknown[] = [];
    for (const feed of feeds) here.push(await answer(feed));
    // Of several at once all but the first find the session at work, or are here as well.
    const together = await Promise.all(feeds.map((feed) => answer(feed)));
    const fresh = await Session.create(smallNetwork().bytes(), { streams: 2, threadsPerStream: 1 });
    const onStreams = await Promise.all(
      feeds.map(async (feed) => Object.values(await fresh.run({ image: feed }))[0]!.data),
    );
    await fresh.release();
    expect(together).toEqual(here);
    expect(onStreams).toEqual(here);
  });

  test('has a team for runs in calls as its stream has one', async () => {
    const team = await Session.create(smallNetwork().bytes(), { streams: 1, threadsPerStream: 2 });
    expect(await comesToEndAtOnce(team)).toBe(true);
    const feeds = [1, 2, 3, 4].map((seed) => image(seed));
    const here: unknown[] = [];
    for (const feed of feeds) here.push(await answer(feed, team));
    expect(await Promise.all(feeds.map((feed) => answer(feed, team)))).toEqual(here);
    await team.release();
    for (const [index, feed] of feeds.entries()) expect(await answer(feed)).toEqual(here[index]);
  });

  test('leaves the event loop its turns between runs', async () => {
    let turns = 0;
    const timer = setInterval(() => ++turns, 1);
    // Of this process: on a busy machine it may have little of the time that passes.
    const start = process.cpuUsage();
    while (process.cpuUsage(start).user < 200_000) await answer(image(1));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(5);
  });

  test('runs in calls for a few milliseconds only before the event loop turns', async () => {
    const feed = image(3, 24);
    let ended = 0;
    const runs = Array.from({ length: 1000 }, () => answer(feed).then(() => ++ended));
    for (let i = 0; i < 20; ++i) await Promise.resolve();
    expect(ended).toBeLessThan(500);
    await Promise.all(runs);
  });

  test('needs no timers that a test framework replaced', async () => {
    const original = globalThis.setImmediate;
    globalThis.setImmediate = (() => undefined) as never;
    try {
      const end = performance.now() + 30;
      while (performance.now() < end) await answer(image(1));
    } finally {
      globalThis.setImmediate = original;
    }
  });

  test('reports wrong feeds as ever', async () => {
    await expect(session.run({})).rejects.toMatchObject({ code: 'INVALID_FEED' });
    await expect(answer(image(1))).resolves.toBeDefined();
  });
});
