import { syntheticFeeds } from '../lib/evaluation/synthetic-feeds';
import { InferenceSession } from '../lib/runtime/session';
import type { Overhead } from './protocol';
import { median } from './statistics';

/**
 * Times run() as its caller sees it against the sum of the times of the primitives that it executes, in turns, in one
 * process with one session. Single runs are compared with single runs: medians of single steps would leave out what
 * disturbs a run now and then, which the time of run() has in it. Each follows a run that is not timed, so that both find
 * threads and caches as callers under load do, and not as the other kind left them.
 */
export async function measureOverhead(options: {
  model: string;
  batch: number;
  threads: number;
  seconds: number;
}): Promise<Overhead> {
  const { model, batch, threads, seconds } = options;
  const session = await InferenceSession.create(model, { streams: 1, threadsPerStream: threads });
  const { feeds } = syntheticFeeds(session.inputMetadata, { batch });
  let { steps } = await session.profile(feeds, 5);
  // JavaScript that runs often is compiled, as it is in a service.
  for (let warm = performance.now() + 300 * seconds; performance.now() < warm;) await session.run(feeds);
  const [run, execution, primitives]: [number[], number[], number[]] = [[], [], []];
  const end = performance.now() + 1000 * seconds;
  while (performance.now() < end) {
    await session.run(feeds);
    const start = performance.now();
    await session.run(feeds);
    run.push(performance.now() - start);
    const profile = await session.profile(feeds, 1);
    steps = profile.steps;
    execution.push(profile.totalNanoseconds / 1e6);
    primitives.push(steps.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0) / 1e6);
  }
  return {
    runMs: median(run),
    executionMs: median(execution),
    primitivesMs: median(primitives),
    steps: steps.map(({ name, kernel, implementation, dataTypes }) => ({
      name,
      kernel,
      implementation,
      dataTypes,
    })),
  };
}
