import { join } from 'node:path';
import type { NetworkPair } from '../examples/shared/published-networks';
import { stage } from '../examples/shared/stages';
import { inProcess } from './child';
import type { Cost, Task } from './protocol';
import { median } from './statistics';

/** Medians over the trials, seconds. */
export type Phases = Omit<Cost, 'peakBytes'> & { total: number };

export interface CalibrationCost {
  network: string;
  samples: number;
  /** As many FP32 runs, and calibrating with each algorithm. */
  phases: Record<'runs' | 'max' | 'KL', Phases>;
  /** Total of a calibration over that of the runs. */
  ratio: { max: number; KL: number };
  memory: { samples: number; peakBytes: number }[];
  /** How much more memory the most samples take than the fewest, percent. */
  memoryGrowthPercent: number;
}

export interface CalibrationOptions {
  folder: string;
  samples: number;
  /** Numbers of samples to compare the memory of, ascending. */
  memorySamples: readonly number[];
  trials: number;
  processors: readonly number[] | undefined;
}

/** What calibrating a network costs beside running it, on one thread. */
export async function runCalibration(
  { name, fp32: model }: NetworkPair,
  { folder, samples, memorySamples, trials, processors }: CalibrationOptions,
): Promise<CalibrationCost> {
  const output = join(folder, 'calibration.int8.onnx');
  const common = { model, threads: 1, samples };
  const tasks = {
    runs: { kind: 'runs', ...common },
    max: { kind: 'calibration', algo: 'max', output, ...common },
    KL: { kind: 'calibration', algo: 'KL', output, ...common },
  } satisfies Record<string, Task>;
  const costs: Record<keyof typeof tasks, Cost[]> = { runs: [], max: [], KL: [] };
  await stage(`${name}: calibrating with ${samples} samples, beside as many runs`, '', async (progress) => {
    for (let trial = 0; trial < trials; ++trial)
      for (const [index, key] of (['runs', 'max', 'KL'] as const).entries()) {
        costs[key].push(await inProcess<Task & { kind: 'runs' | 'calibration' }>(tasks[key], processors));
        progress(3 * trial + index + 1, 3 * trials);
      }
  });
  const memory: CalibrationCost['memory'] = [];
  for (const count of memorySamples) {
    const { peakBytes } = await stage(`${name}: memory with ${count} samples`, '', () =>
      inProcess({ ...tasks.KL, samples: count }, processors),
    );
    memory.push({ samples: count, peakBytes });
  }
  const phases = { runs: combine(costs.runs), max: combine(costs.max), KL: combine(costs.KL) };
  return {
    network: name,
    samples,
    phases,
    ratio: { max: phases.max.total / phases.runs.total, KL: phases.KL.total / phases.runs.total },
    memory,
    memoryGrowthPercent: 100 * (memory.at(-1)!.peakBytes / memory[0]!.peakBytes - 1),
  };
}

function combine(costs: readonly Cost[]): Phases {
  return {
    load: median(costs.map(({ load }) => load)),
    runs: median(costs.map(({ runs }) => runs)),
    save: median(costs.map(({ save }) => save)),
    total: median(costs.map(({ load, runs, save }) => load + runs + save)),
  };
}
