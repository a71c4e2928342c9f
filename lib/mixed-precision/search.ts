/**
 * The least k from 0 to `most` for which `holds(k)`, taking for granted that whatever holds for k holds for more; undefined where
 * it does not even hold for `most`. Doubles k until it holds, since few are usually enough, then halves the gap. Where that
 * is not granted, the answer still holds and the one tried below it does not.
 */
export async function leastThatHolds(
  most: number,
  holds: (k: number) => Promise<boolean>,
): Promise<number | undefined> {
  let below = -1;
  let k = 0;
  while (!(await holds(k))) {
    if (k === most) return undefined;
    below = k;
    k = Math.min(most, Math.max(1, 2 * k));
  }
  while (k - below > 1) {
    const middle = below + Math.floor((k - below) / 2);
    if (await holds(middle)) k = middle;
    else below = middle;
  }
  return k;
}
