import { setTimeout as sleep } from 'node:timers/promises';
import type { NativeSession } from '../../lib/runtime/addon';
import { loadAddon } from '../../lib/runtime/load';
import { Lookout, type Pace } from '../../lib/runtime/lookout';

/** A session that records when it was asked to look, milliseconds from now. */
function watched(): { session: NativeSession; looks: number[] } {
  const looks: number[] = [];
  const start = performance.now();
  const lookOut = (): number => looks.push(performance.now() - start);
  return { session: { lookOut } as unknown as NativeSession, looks };
}

/** Lets a run of so many milliseconds go by. */
async function run(milliseconds: number, pace: Pace, awake = true): Promise<number[]> {
  const { session, looks } = watched();
  const lookout = Lookout.begin(session, pace, awake);
  await sleep(milliseconds);
  lookout.end();
  return looks;
}

/** The looks of the first of some runs that has any: on a busy machine a timer may fire when all is over. */
async function looksOf(milliseconds: number, expected: number): Promise<number[]> {
  for (let attempt = 0; attempt < 50; ++attempt) {
    const looks = await run(milliseconds, { milliseconds: expected });
    if (looks.length > 1) return looks;
  }
  throw new Error('no run had any looks');
}

describe('a lookout', () => {
  test('sleeps for the most of a run, and looks at its end', async () => {
    expect(Math.min(...(await looksOf(30, 25)))).toBeGreaterThan(20);
  });

  test('gives up where the run takes much longer than the last', async () => {
    expect(Math.max(...(await looksOf(60, 5)))).toBeLessThan(55);
  });

  test('learns the time of each run', async () => {
    const pace: Pace = {};
    expect(await run(20, pace)).toEqual([]);
    expect(pace.milliseconds).toBeGreaterThan(18);
  });

  test('is not kept where the thread has no processor to spare', async () => {
    expect(await run(10, { milliseconds: 1 }, false)).toEqual([]);
  });

  test('is not kept where other runs are under way', async () => {
    const { session, looks } = watched();
    const first = Lookout.begin(session, { milliseconds: 10 }, true);
    const second = Lookout.begin(session, { milliseconds: 10 }, true);
    await sleep(30);
    for (const lookout of [first, second]) lookout.end();
    expect(looks).toEqual([]);
  });

  test('ends with its run', async () => {
    const { session, looks } = watched();
    Lookout.begin(session, { milliseconds: 5 }, true).end();
    await sleep(20);
    expect(looks).toEqual([]);
  });
});

describe('lookOut of the addon', () => {
  const open = (): NativeSession => new (loadAddon().Session)({ streams: 1, threadsPerStream: 1 });

  test('returns in time where nothing ends', async () => {
    const session = open();
    expect(session.lookOut(1000)).toBeUndefined();
    await session.close();
  });

  test('settles a task that ends meanwhile', async () => {
    const session = open();
    let outcome: unknown;
    session.compile(new Uint8Array(3), []).catch((error: { code?: string }) => (outcome = error.code));
    // The event loop does not turn here, so nothing but the calls themselves can settle it.
    for (let i = 0; i < 1000 && outcome === undefined; ++i) {
      session.lookOut(1000);
      await Promise.resolve();
    }
    expect(outcome).toBe('INVALID_PLAN');
    await session.close();
  });

  test.each([0, -1, 1.5, NaN, 1001, '9', undefined])('refuses %p microseconds', async (wrong) => {
    const session = open();
    const code = (() => {
      try {
        session.lookOut(wrong as number);
      } catch (error) {
        return (error as { code?: string }).code;
      }
      return 'no error';
    })();
    expect(code).toBe('INVALID_ARGUMENT');
    await session.close();
    expect(() => session.lookOut(1)).not.toThrow();
  });
});
