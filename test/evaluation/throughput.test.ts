import { syntheticFeeds } from '../../lib/evaluation/synthetic-feeds';
import { measureThroughput } from '../../lib/evaluation/throughput';

const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

function network(milliseconds: number): {
  run: () => Promise<Record<string, never>>;
  runs: number;
  most: number;
} {
  let active = 0;
  return {
    runs: 0,
    most: 0,
    async run() {
      ++this.runs;
      this.most = Math.max(this.most, ++active);
      await sleep(milliseconds);
      --active;
      return {};
    },
  };
}

describe('measureThroughput', () => {
  test('takes more runs than a call takes arguments', async () => {
    let runs = 0;
    // So many in any case, and then as many as there is time for.
    const session = { run: () => Promise.resolve({}).finally(() => ++runs) };
    while (runs < 200_000)
      await measureThroughput({ session, feeds: {}, batch: 1, streams: 1, seconds: 1, trials: 1 });
    expect(runs).toBeGreaterThan(200_000);
  });

  test('measures the rate and latency of runs, batch counted', async () => {
    const session = network(5);
    const result = await measureThroughput({ session, feeds: {}, batch: 4, streams: 1, seconds: 0.3 });
    const { median, min, max } = result.imagesPerSecond;
    expect(min).toBeLessThanOrEqual(median);
    expect(median).toBeLessThanOrEqual(max);
    expect(median).toBeLessThanOrEqual(4 / 0.0045);
    const { p50, p90, p99 } = result.latencyMs;
    expect(p50).toBeGreaterThan(4.5);
    expect(p90).toBeGreaterThanOrEqual(p50);
    expect(p99).toBeGreaterThanOrEqual(p90);
    expect(session.most).toBe(1);
  });

  test('keeps a run waiting where streams are several, so that each is busy', async () => {
    const session = network(5);
    await measureThroughput({ session, feeds: {}, batch: 1, streams: 3, seconds: 0.1 });
    expect(session.most).toBe(4);
  });

  test('runs once a loop and trial at least, and reports progress', async () => {
    const session = network(2);
    const shares: number[] = [];
    const onProgress = (share: number): void => void shares.push(share);
    await measureThroughput({
      session,
      feeds: {},
      batch: 1,
      streams: 2,
      seconds: 1e-6,
      trials: 3,
      onProgress,
    });
    expect(session.runs).toBe(1 + 3 * (1 + 3));
    expect(shares).toEqual([1 / 3, 2 / 3, 1]);
  });

  test('stops when told', async () => {
    const signal = AbortSignal.abort();
    const work = measureThroughput({
      session: network(1),
      feeds: {},
      batch: 1,
      streams: 1,
      seconds: 60,
      signal,
    });
    await expect(work).rejects.toBe(signal.reason);
  });
});

describe('syntheticFeeds', () => {
  const image = { name: 'x', type: 'float32', shape: ['N', 3, '', 16] } as const;

  test('fills open dimensions and is the same every time', () => {
    const { feeds, batch } = syntheticFeeds([image], { batch: 2, size: 8 });
    expect(batch).toBe(2);
    expect(feeds['x']!.dims).toEqual([2, 3, 8, 16]);
    const values = feeds['x']!.data as Float32Array;
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-1);
    expect(Math.max(...values)).toBeLessThan(1);
    expect(new Set(values).size).toBeGreaterThan(700);
    expect(syntheticFeeds([image], { batch: 2, size: 8 }).feeds['x']!.data).toEqual(values);
  });

  test('gives integers zeros and keeps a fixed batch', () => {
    const ids = { name: 'ids', type: 'int64', shape: [4, 2] } as const;
    const { feeds, batch } = syntheticFeeds([ids]);
    expect(batch).toBe(4);
    expect([...feeds['ids']!.data]).toEqual(Array(8).fill(0n));
    expect(() => syntheticFeeds([ids], { batch: 1 })).toThrow(/batch of 4.*fixed to, but received 1/);
  });
});
