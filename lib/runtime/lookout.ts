import type { NativeSession } from './addon';

/** How long a program's last run took, milliseconds; undefined before the first. */
export interface Pace {
  milliseconds?: number;
}

/** A sleeping thread is woken this long, in milliseconds, before it is needed: timers are exact to one of them. */
const LEAD = 0.2;
/** A run that takes this much longer than the last one, in milliseconds, is not looked out for any more. */
const PATIENCE = 1;
/** One look, in microseconds; between two, the event loop serves whatever else has come. */
const LOOK = 50;

/** Runs under way in all sessions of this thread. */
let underWay = 0;

/**
 * Looks out for the end of a run that is the only one under way, for about the last millisecond, without sleeping: waking a
 * sleeping thread takes as long as a layer of a network, more in a virtual machine. The event loop turns meanwhile.
 */
export class Lookout {
  readonly #start = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  private constructor(
    readonly session: NativeSession,
    readonly pace: Pace,
    awake: boolean,
  ) {
    ++underWay;
    if (awake && underWay === 1 && pace.milliseconds !== undefined) this.#wait(pace.milliseconds);
  }

  /** For a run that has begun. `awake` only where the thread has a processor that no stream needs. */
  static begin(session: NativeSession, pace: Pace, awake: boolean): Lookout {
    return new Lookout(session, pace, awake);
  }

  end(): void {
    --underWay;
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.pace.milliseconds = performance.now() - this.#start;
  }

  #wait(expected: number): void {
    const sleep = Math.floor(expected - LEAD - (performance.now() - this.#start));
    if (sleep >= 1) this.#timer = setTimeout(() => this.#wait(expected), sleep);
    else this.#look(expected);
  }

  #look(expected: number): void {
    this.#immediate = setImmediate(() => {
      if (underWay > 1 || performance.now() - this.#start > expected + PATIENCE) return;
      this.session.lookOut(LOOK);
      this.#look(expected);
    });
  }
}
