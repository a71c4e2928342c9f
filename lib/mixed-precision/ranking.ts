import { ComparisonMeter } from '../evaluation/metrics';
import type { Runnable } from '../evaluation/runnable';
import type { Probe } from './probes';
import { rowsOf } from './rows';

/** What quantizing one layer costs and what returning it to FP32 gives up. */
export interface LayerCost {
  /** Name of the node. */
  name: string;
  /** Signal to noise of the judged output where only this layer computes in INT8, dB. */
  sqnrDb: number;
  /** Share of the network's multiply-adds, percent. */
  multiplyAddsPercent: number;
}

/** Compares a network's answers to the probes with FP32's; dB. */
export async function probe(
  network: Pick<Runnable, 'run'>,
  probes: readonly Probe[],
  output: string,
  signal: AbortSignal,
): Promise<number> {
  const meter = new ComparisonMeter();
  for (const { feeds, answers } of probes) {
    signal.throwIfAborted();
    const rows = rowsOf((await network.run(feeds))[output]!, output);
    rows.forEach((row, index) => meter.add(answers[index]!, row));
  }
  return meter.sqnrDb;
}

/**
 * The layers to return to FP32, first those from which most is gained: noise power that quantizing the layer alone puts on the
 * output, divided by the square root of the layer's multiply-adds. The noises of single layers add up to nearly that of the
 * whole network, so the power alone would give the fewest layers, and power per multiply-add the cheapest; the geometric
 * mean of both orders returns as few as the first, with hardly more multiply-adds than the second.
 */
export function rankLayers(costs: readonly LayerCost[]): LayerCost[] {
  const gain = ({ sqnrDb, multiplyAddsPercent }: LayerCost): number =>
    10 ** (-sqnrDb / 10) / Math.sqrt(Math.max(multiplyAddsPercent, 1e-6));
  return [...costs].sort((a, b) => gain(b) - gain(a));
}

/** Those of the ranked layers that together hold at most `percent` of the multiply-adds; one that is too large is passed over. */
export function affordable(ranking: readonly LayerCost[], percent: number): LayerCost[] {
  // Sums of shares are rounded, and all layers together must fit where everything may be returned.
  let left = percent + 1e-9;
  return ranking.filter(({ multiplyAddsPercent }) => {
    if (multiplyAddsPercent > left) return false;
    left -= multiplyAddsPercent;
    return true;
  });
}
