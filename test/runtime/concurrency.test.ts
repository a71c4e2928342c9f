import { InferenceSession, type Tensor } from '../../lib/index';
import { createSmall, image, slowInput, slowNetwork } from '../support/networks';

const values = (results: Record<string, Tensor>): unknown[] => Object.values(results).map(({ data }) => data);

describe('overlapping runs', () => {
  test.each([
    [1, 1],
    [2, 1],
    [3, 2],
  ])('%i streams of %i threads give identical answers, bit for bit', async (streams, threadsPerStream) => {
    const alone = await createSmall({ streams: 1, threadsPerStream });
    const session = await createSmall({ streams, threadsPerStream });
    const feeds = Array.from({ length: 12 }, (_, i) => ({ image: image(1 + (i % 3), 8 + (i % 2), i) }));
    const wanted: unknown[] = [];
    for (const feed of feeds) wanted.push(values(await alone.run(feed)));
    const together = await Promise.all(feeds.map((feed) => session.run(feed)));
    expect(together.map(values)).toEqual(wanted);
    await Promise.all([alone.release(), session.release()]);
  });

  test('two sessions at once', async () => {
    const sessions = await Promise.all([createSmall(), createSmall()]);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => sessions[i % 2]!.run({ image: image(1, 9) })),
    );
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    await Promise.all(sessions.map((session) => session.release()));
  });

  test('the event loop goes on while a run is under way', async () => {
    const session = await InferenceSession.create(slowNetwork().bytes(), { threadsPerStream: 1 });
    let turns = 0;
    let running = true;
    const turn = (): void => {
      ++turns;
      if (running) setImmediate(turn);
    };
    setImmediate(turn);
    await session.run({ x: slowInput() });
    running = false;
    await session.release();
    expect(turns).toBeGreaterThan(10);
  });
});

describe('release', () => {
  test('a run afterwards rejects with SESSION_CLOSED, and so do profile and info', async () => {
    const session = await createSmall();
    await session.release();
    for (const call of [
      () => session.run({ image: image(1) }),
      () => session.profile({ image: image(1) }),
      () => session.info(),
    ]) {
      await expect(call()).rejects.toMatchObject({ name: 'Calibr8Error', code: 'SESSION_CLOSED' });
    }
  });

  test('may be called again, even at once', async () => {
    const session = await createSmall();
    await Promise.all([session.release(), session.release()]);
    await session.release();
  });

  test.each([
    ['whose program is compiled', true],
    ['that still waits for its program', false],
  ])('a run called before it, %s, ends as ever', async (_, compiled) => {
    const session = await createSmall();
    const feeds = { image: image(compiled ? 1 : 3) };
    if (compiled) await session.run(feeds);
    const runs = [1, 2, 3].map(() => session.run(feeds));
    const released = session.release();
    expect(new Set((await Promise.all(runs)).map((outputs) => Object.keys(outputs).join()))).toEqual(
      new Set([session.outputNames.join()]),
    );
    await released;
  });

  test('during runs: each of them either finishes or rejects with SESSION_CLOSED', async () => {
    for (let round = 0; round < 5; ++round) {
      const session = await createSmall({ streams: 2, threadsPerStream: 1 });
      const wanted = await session.run({ image: image(1) });
      const runs = Array.from({ length: 8 }, (_, i) =>
        session.run({ image: image(1, i < 4 ? 12 : 13 + i) }).then(
          (results) => (i < 4 ? expect(results).toEqual(wanted) : undefined),
          (error: unknown) => expect(error).toMatchObject({ code: 'SESSION_CLOSED' }),
        ),
      );
      if (round % 2) await new Promise(setImmediate);
      await Promise.all([session.release(), ...runs]);
    }
  });

  test('during a long run waits for it', async () => {
    const session = await InferenceSession.create(slowNetwork().bytes(), { threadsPerStream: 1 });
    const feeds = { x: slowInput() };
    await session.run(feeds);
    let settled = 'pending';
    session.run(feeds).then(
      () => (settled = 'finished'),
      (error: Error) => (settled = error.message),
    );
    await new Promise(setImmediate);
    await session.release();
    await new Promise(setImmediate);
    expect(settled).toBe('finished');
  });
});
