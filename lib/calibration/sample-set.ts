import { createHash } from 'node:crypto';

const MODULUS = 1n << 256n;

/**
 * Which samples were seen, as a number and a digest that does not depend on their order: the sum of the samples' SHA-256 modulo
 * 2^256. So shards of the same samples add up to the same digest. Immutable.
 */
export class SampleSet {
  static readonly EMPTY = new SampleSet(0, 0n);

  private constructor(
    readonly count: number,
    readonly sum: bigint,
  ) {}

  /** @param digest as {@link digest} gives it */
  static from(count: number, digest: string): SampleSet {
    return new SampleSet(count, BigInt(`0x${digest}`));
  }

  /** The set with one more sample, which consists of these tensors' bytes. */
  with(tensors: Iterable<Uint8Array>): SampleSet {
    const hash = createHash('sha256');
    for (const bytes of tensors) hash.update(bytes);
    return this.plus(SampleSet.from(1, hash.digest('hex')));
  }

  plus(other: SampleSet): SampleSet {
    return new SampleSet(this.count + other.count, (this.sum + other.sum) % MODULUS);
  }

  /** 64 hexadecimal digits. */
  get digest(): string {
    return this.sum.toString(16).padStart(64, '0');
  }
}
