import { Writable } from 'node:stream';
import type { CalibratorOptions } from '../../lib/calibration/options';
import type { CalibrationSummary } from '../../lib/calibration/summary';
import type { CalibrationTable } from '../../lib/calibration/table';
import { libraryServices } from '../../lib/cli/library-services';
import { main } from '../../lib/cli/main';
import type { CliCalibrator, CliSession, Services } from '../../lib/cli/services';
import type { AddonInfo } from '../../lib/runtime/addon';
import type { Profile } from '../../lib/runtime/session';
import { FakeNetwork } from '../evaluation/support';

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

class Capture extends Writable {
  text = '';

  constructor(readonly isTTY = false) {
    super();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** Runs a command line in this process and keeps what it printed. */
export async function run(
  args: readonly string[],
  services: Services = fakeServices(),
  signal: AbortSignal = new AbortController().signal,
  terminal: { isTTY: boolean } = { isTTY: false },
): Promise<Outcome> {
  const stdout = new Capture();
  const stderr = new Capture(terminal.isTTY);
  const code = await main(args, { stdout, stderr, signal }, services);
  return { code, stdout: stdout.text, stderr: stderr.text };
}

export const INFO: AddonInfo = {
  onednn: { version: '2.6.0', runtime: 'OpenMP' },
  cpu: { brand: 'Test CPU', isa: 'avx512_core_vnni', vnni: true, available: 2 },
  openmp: { maxThreads: 2 },
};

/** A session whose network is a function; the network's logits are the class of the first value in tens. */
export class FakeSession extends FakeNetwork implements CliSession {
  readonly outputMetadata = [{ name: 'logits', type: 'float32', shape: ['N', 10] }] as const;
  released = 0;

  constructor(
    readonly precision: string,
    bias = 0,
  ) {
    super((image) =>
      Array.from({ length: 10 }, (_, i) => -Math.abs(image[0]! - 10 * i) - (i === 3 ? bias : 0)),
    );
  }

  async profile(): Promise<Profile> {
    const step = {
      ...{ kernel: 'convolution', implementation: 'brgconv:avx512_core_vnni', dataTypes: 'u8:s8:u8' },
      ...{ bytesMoved: 1e6, operations: 2e8, arithmetic: 'int8' as const },
    };
    const steps = ['conv1', 'conv2'].map((name) => ({
      ...step,
      name,
      reorders: ['jit:uni'],
      nanoseconds: 1e6,
    }));
    return { steps, totalNanoseconds: 2.1e6, startNanoseconds: Number(process.hrtime.bigint()) };
  }

  async release(): Promise<void> {
    ++this.released;
  }
}

/** A calibrator that only counts, and writes no file. */
export class FakeCalibrator extends FakeNetwork implements CliCalibrator {
  sampled = 0;
  saved = false;
  savedTable: string | undefined;
  released = 0;

  constructor(readonly options: CalibratorOptions) {
    super(() => [0]);
  }

  async sampleData(): Promise<void> {
    ++this.sampled;
  }

  async saveInt8Model(): Promise<CalibrationSummary> {
    this.saved = true;
    const tensors = Array.from({ length: 12 }, (_, i) => ({
      name: `a/rather/long/name/of/a/tensor/in/the/${i}th/residual_block/of/the/network/Relu_output`,
      dtype: 'uint8' as const,
      threshold: i + 1,
      observer: 'max',
      scale: (i + 1) / 255,
      zeroPoint: 0,
      bits: 8,
      clippedPercent: i % 3,
      sqnrDb: 40 - i,
    }));
    const { output, algo } = this.options;
    const counts = { samples: this.sampled, int8Nodes: 12, fp32Nodes: 1, modelBytes: 1000, seconds: 0.5 };
    return { output: output!, algorithm: (algo ?? 'max') as string, tensors, ...counts };
  }

  async saveTable(path: string): Promise<CalibrationTable> {
    this.savedTable = path;
    const digest = '0'.repeat(64);
    const settings = { algo: 'max', overrides: [], exclude: [], outputs: ['logits'] };
    return {
      ...{ calibr8Table: 1, version: '0.0.0', model: digest, tensors: [], statistics: [] },
      settings: { ...settings, firstConv: 'int8', fullyConnected: 'int8' },
      samples: { count: this.sampled, sha256: digest },
    };
  }

  async release(): Promise<void> {
    ++this.released;
  }
}

/** Fakes for what needs the addon; models named *int8* count as INT8, the others as FP32. */
export function fakeServices(
  change: Partial<Services> = {},
): Services & { sessions: FakeSession[]; calibrators: FakeCalibrator[] } {
  const sessions: FakeSession[] = [];
  const calibrators: FakeCalibrator[] = [];
  return {
    ...libraryServices,
    async createSession(model) {
      const int8 = model.includes('int8');
      sessions.push(new FakeSession(int8 ? 'int8' : 'fp32', int8 ? 25 : 0));
      return sessions.at(-1)!;
    },
    async createCalibrator(options) {
      calibrators.push(new FakeCalibrator(options));
      return calibrators.at(-1)!;
    },
    async addonInfo() {
      return INFO;
    },
    async measurePeaks(threads) {
      return {
        int8: {
          instruction: 'vpdpbusd zmm',
          operationsPerSecond: threads * 4e11,
          sustained: threads * 3.8e11,
        },
        float32: {
          instruction: 'vfmadd231ps zmm',
          operationsPerSecond: threads * 1e11,
          sustained: threads * 0.9e11,
        },
      };
    },
    ...change,
    sessions,
    calibrators,
  };
}
