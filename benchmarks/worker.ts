import { measureThroughput } from '../lib/evaluation/throughput';
import { measureCalibration, measureRuns } from './calibration-cost';
import { measureLayers } from './layers';
import { OPEN } from './engines';
import { measureOverhead } from './overhead';
import type { Answers, Task } from './protocol';

type Of<K extends Task['kind']> = Extract<Task, { kind: K }>;
type Work = { [K in Task['kind']]: (task: Of<K>) => Promise<Answers[K]> };

const WORK: Work = {
  async throughput({ engine, streams, seconds, ...options }) {
    const { batch, run } = await OPEN[engine]({ streams, ...options });
    // One trial here: the trials of a configuration are processes.
    return measureThroughput({
      session: {
        async run() {
          await run();
          return {};
        },
      },
      feeds: {},
      batch,
      streams,
      seconds,
      trials: 1,
    });
  },

  overhead: (task) => measureOverhead(task),

  layers: (task) => measureLayers(task),

  runs: (task) => measureRuns(task),

  calibration: (task) => measureCalibration(task),
};

async function main(): Promise<void> {
  const task = JSON.parse(process.argv[2]!) as Task;
  const work = WORK[task.kind] as (task: Task) => Promise<unknown>;
  const answer = JSON.stringify(await work(task));
  // Sessions of either engine may keep the process alive; there is nothing left to do.
  process.stdout.write(answer, () => process.exit(0));
}

if (require.main === module) void main();
