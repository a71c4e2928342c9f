import { Calibr8Error, describe } from '../../errors';
import { klObserver } from './kl';
import { maxObserver } from './max';
import type { Observer } from './observer';

/** Observers by name. Throws INVALID_ARGUMENT on a duplicate and on a miss. */
export class ObserverRegistry {
  readonly #observers = new Map<string, Observer>();

  constructor(observers: readonly Observer[]) {
    for (const observer of observers) {
      if (this.#observers.has(observer.name)) {
        throw new Calibr8Error(
          'INVALID_ARGUMENT',
          `Expected one observer of each name but received two named "${observer.name}". Rename one of them.`,
        );
      }
      this.#observers.set(observer.name, observer);
    }
  }

  /** Every name, in the order of registration. */
  get names(): string[] {
    return [...this.#observers.keys()];
  }

  get(name: string): Observer {
    const observer = this.#observers.get(name);
    if (observer === undefined) {
      throw new Calibr8Error(
        'INVALID_ARGUMENT',
        `Expected one of ${this.names.map((known) => `"${known}"`).join(', ')} for algo but received ${describe(name)}.`,
      );
    }
    return observer;
  }
}

/** Every calibration algorithm that calibr8 offers. */
export const OBSERVERS = new ObserverRegistry([maxObserver, klObserver]);
