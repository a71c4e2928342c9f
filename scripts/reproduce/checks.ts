/** Collects the outcomes of a suite and prints a line for each as it comes. */
export class Checks {
  #passed = 0;
  #failed = 0;

  constructor(readonly write: (line: string) => void) {}

  /** Records one outcome; `detail` tells the numbers behind it. */
  check(name: string, passed: boolean, detail = ''): void {
    if (passed) ++this.#passed;
    else ++this.#failed;
    this.write(`${passed ? 'pass' : 'FAIL'}  ${name}${detail === '' ? '' : `\n      ${detail}`}`);
  }

  get failed(): number {
    return this.#failed;
  }

  /** The last line of the suite. */
  get summary(): string {
    return `${this.#passed} passed, ${this.#failed} failed`;
  }
}
