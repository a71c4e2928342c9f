/**
 * The rule of KL calibration taken literally: plain arrays, one candidate after the other, nothing shared between them.
 * Returns each candidate's divergence by its number of bins.
 */
export function divergences(histogram: number[]): Map<number, number> {
  const result = new Map<number, number>();
  for (let i = Math.floor(histogram.length * 0.7); i <= histogram.length; ++i) {
    const kept = histogram.slice(0, i);
    if (kept[i - 1] === 0) continue;

    const p = [...kept];
    p[i - 1]! += sum(histogram.slice(i));

    const perLevel = Math.floor(i / 255);
    const q: number[] = [];
    for (let level = 0; level < 255; ++level) {
      const bins = kept.slice(level * perLevel, level === 254 ? i : (level + 1) * perLevel);
      const nonEmpty = bins.filter((count) => count > 0).length;
      const average = nonEmpty === 0 ? 0 : sum(bins) / nonEmpty;
      for (const count of bins) q.push(count > 0 ? average : 0);
    }

    const sumP = sum(p);
    const sumQ = sum(q);
    let divergence = 0;
    for (let j = 0; j < i; ++j) {
      if (p[j]! > 0) divergence += (p[j]! / sumP) * Math.log(p[j]! / sumP / (q[j]! / sumQ));
    }
    result.set(i, divergence);
  }
  return result;
}

function sum(numbers: number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
