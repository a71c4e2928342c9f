import { readdirSync, readFileSync } from 'node:fs';
import { allowedProcessors, availableCores, coresAmong } from '../../lib/runtime/processors';
import { resolveOptions } from '../../lib/runtime/options';
import { createSmall, image } from '../support/networks';

const before = process.env['OMP_NUM_THREADS'];

afterEach(() => {
  if (before === undefined) delete process.env['OMP_NUM_THREADS'];
  else process.env['OMP_NUM_THREADS'] = before;
});

/** The processors that each thread of this process may use, as the kernel lists them. */
function masks(): string[] {
  return readdirSync('/proc/self/task').map(
    (thread) =>
      /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync(`/proc/self/task/${thread}/status`, 'utf8'))![1]!,
  );
}

const countOf = (list: readonly string[], wanted: string): number =>
  list.filter((each) => each === wanted).length;

describe('the number of streams and threads', () => {
  test.each([
    [{}, 1, 6],
    [{ streams: 2 }, 2, 3],
    [{ streams: 4 }, 4, 1],
    [{ streams: 'auto' }, 6, 1],
    [{ performanceHint: 'throughput' }, 6, 1],
    [{ streams: 'auto', performanceHint: 'latency' }, 1, 6],
    [{ performanceHint: 'throughput', threadsPerStream: 4 }, 1, 4],
    [{ streams: 'auto', intraOpNumThreads: 2 }, 3, 2],
    [{ streams: 'auto', threadsPerStream: 8 }, 1, 8],
    [{ performanceHint: 'latency', threadsPerStream: 2 }, 1, 2],
  ])('with 6 threads and %p', (options, streams, threadsPerStream) => {
    process.env['OMP_NUM_THREADS'] = '6';
    expect(resolveOptions({ ...options, pinThreads: false })).toEqual({ streams, threadsPerStream });
  });

  test('is that of the cores of this process where nothing else is said', () => {
    delete process.env['OMP_NUM_THREADS'];
    expect(resolveOptions({ performanceHint: 'throughput', pinThreads: false }).streams).toBe(
      availableCores(),
    );
    expect(resolveOptions({ performanceHint: 'latency' }).threadsPerStream).toBe(availableCores());
  });

  test.each([
    [{ streams: 'all' }, 'streams'],
    [{ performanceHint: 'speed' }, 'performanceHint'],
    [{ performanceHint: 'latency', streams: 2 }, 'streams'],
    [{ pinThreads: 1 }, 'pinThreads'],
    [{ pinThreads: true, threadsPerStream: 1024 }, 'pinThreads'],
  ])('refuses the options %p', async (options, name) => {
    await expect(createSmall(options as Record<string, unknown>)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(name),
    });
  });
});

describe('pinned threads', () => {
  test('stay on their own processors, and answer alike', async () => {
    const processors = allowedProcessors();
    const streams = Math.min(2, processors.length);
    const earlier = masks();
    const free = await createSmall({ streams: 1, threadsPerStream: 1, pinThreads: false });
    const pinned = await createSmall({ streams, threadsPerStream: 1, pinThreads: true });
    const feeds = { image: image(1) };
    const wanted = await free.run(feeds);
    const answers = await Promise.all(Array.from({ length: 6 }, () => pinned.run(feeds)));
    for (const answer of answers) expect(answer).toEqual(wanted);
    const { processors: chosen } = pinned.threads;
    expect(chosen).toHaveLength(streams);
    for (const processor of chosen!)
      expect(countOf(masks(), String(processor))).toBeGreaterThan(countOf(earlier, String(processor)));
    await Promise.all([free.release(), pinned.release()]);
  });

  test('are the default only where several streams fill the cores', () => {
    const cores = coresAmong(allowedProcessors());
    expect(resolveOptions({ streams: 1, threadsPerStream: cores }).processors).toBeUndefined();
    expect(resolveOptions({ streams: 256, threadsPerStream: 8 }).processors).toBeUndefined();
    const full = resolveOptions({ streams: cores, threadsPerStream: 1 });
    if (cores > 1) expect(new Set(full.processors).size).toBe(cores);
    if (cores > 2) expect(resolveOptions({ streams: 2, threadsPerStream: 1 }).processors).toBeUndefined();
    expect(
      resolveOptions({ streams: cores, threadsPerStream: 1, pinThreads: false }).processors,
    ).toBeUndefined();
  });
});
