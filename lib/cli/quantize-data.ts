import { resolve } from 'node:path';
import { openDataset, readImageFolder, spread, type Sample } from '../evaluation/dataset';
import { Calibr8Error } from '../errors';
import { note, type CliIo } from './io';

export interface QuantizeDataOptions {
  data: string;
  samples: number;
  validation?: string;
  validationSamples: number;
  labels?: string | false;
  labelOffset: number;
}

export interface QuantizeData {
  calibration: Sample[];
  /** None of which is among the calibration's. */
  validation: Sample[];
}

/**
 * Which images calibrate and which validate: those of --data and those of --validation, or where there is none what calibration
 * leaves of --data. Says which it was.
 * @throws INVALID_DATASET where no image is left to validate on
 */
export async function chooseImages(io: CliIo, options: QuantizeDataOptions): Promise<QuantizeData> {
  const { data, samples, validation, validationSamples, labels, labelOffset } = options;
  const one = validation === undefined;
  const all = one ? await openDataset({ data, labels, labelOffset }) : await readImageFolder(data);
  const calibration = spread(all, samples);
  const used = new Set(calibration.map(({ file }) => resolve(file)));
  const others = one ? all : await openDataset({ data: validation, labels, labelOffset });
  const left = others.filter(({ file }) => !used.has(resolve(file)));
  if (left.length === 0) {
    throw new Calibr8Error(
      'INVALID_DATASET',
      `Expected images to validate on beside the ${calibration.length} of the calibration but "${validation ?? data}" holds no others. Give --validation DIR with other images, or fewer --samples.`,
    );
  }
  const chosen = spread(left, validationSamples);
  note(io, `${calibration.length} images to calibrate on, ${chosen.length} others to validate on`);
  if (one)
    note(
      io,
      `No --validation: both are from "${data}", one in ${Math.max(1, Math.floor(all.length / samples))} calibrates.`,
    );
  else if (left.length < others.length)
    note(io, `${others.length - left.length} images of --validation are left out, since they calibrate.`);
  return { calibration, validation: chosen };
}
