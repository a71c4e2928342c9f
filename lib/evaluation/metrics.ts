/** Index of the greatest value; the first of several. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; ++i) if (values[i]! > values[best]!) best = i;
  return best;
}

/** How many classes come before `label` when sorted by descending value, ties by index: 0 is the first choice. */
export function rankOf(values: ArrayLike<number>, label: number): number {
  const own = values[label]!;
  let rank = 0;
  for (let i = 0; i < values.length; ++i) if (values[i]! > own || (values[i]! === own && i < label)) ++rank;
  return rank;
}

/** Counts right answers. */
export class AccuracyMeter {
  #count = 0;
  #first = 0;
  #amongFive = 0;

  add(logits: ArrayLike<number>, label: number): void {
    const rank = rankOf(logits, label);
    ++this.#count;
    if (rank < 1) ++this.#first;
    if (rank < 5) ++this.#amongFive;
  }

  get count(): number {
    return this.#count;
  }

  /** Percent of images whose label is the network's first choice. */
  get top1(): number {
    return percent(this.#first, this.#count);
  }

  /** Percent of images whose label is among the network's first five choices. */
  get top5(): number {
    return percent(this.#amongFive, this.#count);
  }
}

/** Compares a network's answers with a reference's. */
export class ComparisonMeter {
  #count = 0;
  #equal = 0;
  #signal = 0;
  #noise = 0;

  add(reference: ArrayLike<number>, logits: ArrayLike<number>): void {
    ++this.#count;
    if (argmax(reference) === argmax(logits)) ++this.#equal;
    for (let i = 0; i < reference.length; ++i) {
      const error = reference[i]! - logits[i]!;
      this.#signal += reference[i]! * reference[i]!;
      this.#noise += error * error;
    }
  }

  get count(): number {
    return this.#count;
  }

  /** Percent of images on which both have the same first choice. */
  get agreement(): number {
    return percent(this.#equal, this.#count);
  }

  /** Signal to quantization noise of all logits in dB: 10 log10(sum ref^2 / sum (ref - x)^2); Infinity where all are equal. */
  get sqnrDb(): number {
    return this.#noise === 0 ? Infinity : 10 * Math.log10(this.#signal / this.#noise);
  }
}

/**
 * The value below which the share `fraction` of a sorted list lies, interpolated between neighbors.
 * @param sorted ascending, at least one value
 */
export function quantile(sorted: readonly number[], fraction: number): number {
  const position = fraction * (sorted.length - 1);
  const below = sorted[Math.floor(position)]!;
  const above = sorted[Math.ceil(position)]!;
  return below + (above - below) * (position - Math.floor(position));
}

function percent(part: number, whole: number): number {
  return whole === 0 ? NaN : (100 * part) / whole;
}
