/**
 * A small seeded generator (sfc32). Everything here is integer arithmetic, or float arithmetic that IEEE 754 rounds
 * in one way only, so a seed gives the same sequence on every machine.
 */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  /**
   * Three words of seed. The state holds all three, so streams with different words start in different states; a
   * 32-bit generator seeded by index would instead walk over the values of its neighbors.
   */
  constructor(stream: number, index = 0, salt = 0) {
    this.a = stream | 0;
    this.b = index | 0;
    this.c = salt | 0;
    // The words are small numbers: the state needs some rounds before all of its bits depend on all of theirs.
    for (let round = 0; round < 16; round++) this.uint32();
  }

  /** A uniform integer in [0, 2^32). */
  uint32(): number {
    const result = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  /** A uniform number in [low, high). */
  range(low: number, high: number): number {
    return low + (this.uint32() / 4294967296) * (high - low);
  }

  /** A uniform integer in [0, count). */
  integer(count: number): number {
    return Math.floor(this.range(0, count));
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.range(0, 1) < probability;
  }

  /**
   * A number of mean 0 and variance 1, near enough to normal: the sum of four uniform ones. No logarithm or cosine,
   * whose last digit may differ between machines.
   */
  normal(): number {
    const high = this.uint32();
    const low = this.uint32();
    const sum = (high & 0xffff) + (high >>> 16) + (low & 0xffff) + (low >>> 16);
    return (sum - 131070) / 37837.2;
  }

  /** A coarse and cheap {@link normal}, for noise that is rounded to whole gray levels anyway. */
  noise(): number {
    const bits = this.uint32();
    const sum = (bits & 0xff) + ((bits >>> 8) & 0xff) + ((bits >>> 16) & 0xff) + (bits >>> 24);
    return (sum - 510) / 147.8;
  }
}
