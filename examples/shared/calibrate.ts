import { Calibrator } from '../../lib/calibration/calibrator';
import type { CalibratorOptions } from '../../lib/calibration/options';
import type { CalibrationSummary } from '../../lib/calibration/summary';
import type { InputMetadata } from '../../lib/evaluation/runnable';
import type { Feeds, OnProgress } from './task';

export interface CalibrateOptions extends CalibratorOptions {
  output: string;
  /** The sample inputs, in order. */
  feeds: (inputs: readonly InputMetadata[]) => AsyncIterable<Feeds>;
  /** How many there are, for progress. */
  samples: number;
  onProgress?: OnProgress | undefined;
}

/** The three steps: construct, run and sample, save. */
export async function calibrate(options: CalibrateOptions): Promise<CalibrationSummary> {
  const { feeds, samples, onProgress, ...rest } = options;
  const calibrator = await Calibrator.create(rest);
  try {
    let done = 0;
    for await (const feed of feeds(calibrator.inputMetadata)) {
      await calibrator.run(feed);
      await calibrator.sampleData();
      onProgress?.(++done, samples);
    }
    return await calibrator.saveInt8Model();
  } finally {
    await calibrator.release();
  }
}
