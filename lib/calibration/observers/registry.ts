import { Calibr8Error, describe } from '../../errors';
import { autoObserver } from './auto';
import { averageObserver } from './average';
import { klObserver } from './kl';
import { maxObserver } from './max';
import { mseObserver } from './mse';
import type { Observer } from './observer';
import { percentileObserver } from './percentile';

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

  /** Every observer, in the order of registration. */
  get all(): Observer[] {
    return [...this.#observers.values()];
  }

  /** @param name the observer's, and after a colon its parameter where it has one */
  get(name: string, option = 'algo'): Observer {
    const colon = name.indexOf(':');
    const observer = this.#observers.get(colon < 0 ? name : name.slice(0, colon));
    if (observer && colon < 0) return observer;
    if (observer?.withParameter) return observer.withParameter(name.slice(colon + 1));
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected one of ${this.names.map((known) => `"${known}"`).join(', ')} for ${option} but received ${describe(name)}.`,
    );
  }
}

const SINGLE = [maxObserver, klObserver, percentileObserver, mseObserver, averageObserver];

/** Every calibration algorithm that calibr8 offers. */
export const OBSERVERS = new ObserverRegistry([...SINGLE, autoObserver(SINGLE)]);
