import { readImageFolder, spread, type Sample } from '../evaluation/dataset';
import { ImageInput } from '../evaluation/image-input';
import { imageChunks } from '../evaluation/images';
import type { Preprocessing } from '../evaluation/preprocessing';
import { note, type CliIo } from './io';
import { withProgress } from './progress';
import type { CliCalibrator } from './services';
import { samplesOf, type Shard } from './shard';

/** Images decoded at a time. */
const CHUNK = 16;

/** The images of a folder to measure on, spread evenly over the sorted list; all shards begin with the same. */
export async function chooseSamples(io: CliIo, data: string, wanted: number): Promise<Sample[]> {
  const samples = spread(await readImageFolder(data), wanted);
  if (samples.length < wanted)
    note(io, `Note: ${wanted} samples were asked for; "${data}" holds ${samples.length}, and all are used.`);
  return samples;
}

/** Runs the network on the samples, or on the shard's part of them; returns how many that were. */
export async function sampleImages(
  io: CliIo,
  calibrator: CliCalibrator,
  all: readonly Sample[],
  preprocessing: Preprocessing,
  shard: Shard = { index: 1, count: 1 },
): Promise<number> {
  const input = new ImageInput(calibrator.inputMetadata, preprocessing);
  const samples = samplesOf(all, input.batch, shard);
  const size = input.batch * Math.ceil(CHUNK / input.batch);
  await withProgress(io, 'Calibrating', 'images', async (update) => {
    let done = 0;
    for await (const { images } of imageChunks(samples, preprocessing, size)) {
      for (let start = 0; start < images.length; start += input.batch) {
        io.signal.throwIfAborted();
        const batch = images.slice(start, start + input.batch);
        await calibrator.run(input.feed(batch));
        await calibrator.sampleData();
        update((done += batch.length), samples.length);
      }
    }
  });
  io.signal.throwIfAborted();
  return samples.length;
}
