import { SingleBar } from 'cli-progress';
import type { CliIo } from './io';

/** A progress bar on stderr, shown only where a person watches. */
export class Progress {
  readonly #bar: SingleBar | undefined;
  #started = false;

  constructor(io: CliIo, label: string, unit = 'images') {
    if (!io.stderr.isTTY) return;
    const counts = unit === '' ? '' : ` | {value}/{total} ${unit}`;
    this.#bar = new SingleBar({
      stream: io.stderr as unknown as NodeJS.WritableStream,
      format: `${label} {bar} {percentage}%${counts} | {eta_formatted} left`,
      barsize: 24,
      barCompleteChar: '=',
      barIncompleteChar: '-',
      hideCursor: true,
      clearOnComplete: true,
      // The command stops the bar itself, whatever ends it.
      gracefulExit: false,
    });
  }

  update(done: number, total: number): void {
    if (!this.#started) this.#bar?.start(total, 0);
    this.#started = true;
    this.#bar?.update(done);
  }

  /** Removes the bar. Idempotent. */
  stop(): void {
    if (this.#started) this.#bar?.stop();
    this.#started = false;
  }
}

/** Runs `work` with a progress bar that is gone afterwards, also after a failure. */
export async function withProgress<T>(
  io: CliIo,
  label: string,
  unit: string,
  work: (update: (done: number, total: number) => void) => Promise<T>,
): Promise<T> {
  const progress = new Progress(io, label, unit);
  try {
    return await work((done, total) => progress.update(done, total));
  } finally {
    progress.stop();
  }
}

/** Progress of work in several stages: a bar for each, one after the other. */
export class StageProgress {
  #bar: Progress | undefined;
  #stage = '';
  #last = 0;

  /** @param labels of each stage; `total` where its updates do not say */
  constructor(
    readonly io: CliIo,
    readonly labels: Readonly<Record<string, { label: string; unit: string; total?: number }>>,
  ) {}

  show({ stage, done, total }: { stage: string; done: number; total?: number | undefined }): void {
    const { label, unit, total: known = done } = this.labels[stage]!;
    // The count begins again where a stage does, be it the same one once more.
    if (stage !== this.#stage || done <= this.#last) {
      this.stop();
      this.#bar = new Progress(this.io, label, unit);
    }
    this.#stage = stage;
    this.#last = done;
    this.#bar?.update(done, total ?? known);
  }

  /** Removes the bar. Idempotent. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}
