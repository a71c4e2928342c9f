import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { InputMetadata, Runnable } from '../../lib/evaluation/runnable';
import { Tensor } from '../../lib/tensor';

/** A folder of its own for each test file, gone afterwards. */
export function temporaryFolder(): { path: (...parts: string[]) => string } {
  const folder = mkdtempSync(join(tmpdir(), 'calibr8-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return { path: (...parts) => join(folder, ...parts) };
}

/** Writes an image of one color; sharp chooses the format by the extension. */
export async function writeImage(
  file: string,
  color: readonly [number, number, number],
  size: readonly [number, number] = [8, 8],
): Promise<string> {
  const [width, height] = size;
  const data = Buffer.alloc(width * height * 3);
  for (let i = 0; i < data.length; ++i) data[i] = color[i % 3]!;
  await sharp(data, { raw: { width, height, channels: 3 } }).toFile(file);
  return file;
}

/** A network that computes its logits in JavaScript, with a record of what it was fed. */
export class FakeNetwork implements Runnable {
  readonly outputNames: string[] = ['logits'];
  inputMetadata: InputMetadata[];
  readonly feeds: Record<string, Tensor>[] = [];
  /** Runs under way now and at most so far. */
  active = 0;
  mostActive = 0;

  constructor(
    readonly logits: (image: Float32Array) => number[],
    shape: (number | string)[] = ['N', 3, 8, 8],
  ) {
    this.inputMetadata = [{ name: 'data', type: 'float32', shape }];
  }

  async run(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
    this.feeds.push(feeds);
    this.mostActive = Math.max(this.mostActive, ++this.active);
    await new Promise((resolve) => setImmediate(resolve));
    --this.active;
    const { data, dims } = feeds[this.inputMetadata[0]!.name]!;
    const batch = dims[0]!;
    const size = data.length / batch;
    const rows = Array.from({ length: batch }, (_, i) =>
      this.logits((data as Float32Array).subarray(i * size, (i + 1) * size)),
    );
    const output = new Tensor('float32', Float32Array.from(rows.flat()), [batch, rows[0]!.length]);
    return Object.fromEntries(this.outputNames.map((name) => [name, output]));
  }
}
