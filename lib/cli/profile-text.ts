import type { LayerProfile, NetworkProfile } from '../evaluation/layer-profile';
import type { Peaks } from '../runtime/addon';
import { facts, fixed, table } from './format';

/** What the processor can do and where the time of a network goes: a row a layer, then what is lost around and between them. */
export function profileText(profile: NetworkProfile, threads: number): string {
  const layers = table(
    ['layer', 'implementation', 'ms', 'Gop/s', '% peak', 'MB'],
    profile.layers.filter(({ implementation }) => implementation !== 'none').map(layerRow),
    { flexible: 0, left: [0, 1] },
  );
  return `${peaksText(profile.peaks, threads)}\n\n${layers}\n\n${summary(profile)}`;
}

function peaksText({ int8, float32 }: Peaks, threads: number): string {
  const one = (name: string, { instruction, operationsPerSecond }: Peaks['int8']): [string, string] => [
    `${name} peak of ${threads === 1 ? '1 thread' : `${threads} threads`}`,
    instruction === '' ? 'unknown' : `${fixed(operationsPerSecond / 1e9, 1)} Gop/s (${instruction})`,
  ];
  return facts([one('INT8', int8), one('FP32', float32)]);
}

function layerRow({
  name,
  implementation,
  reorders,
  milliseconds,
  operations,
  peakPercent,
  bytesMoved,
}: LayerProfile): string[] {
  // The instruction set at the end of oneDNN's names is the same for nearly all.
  const short = implementation.replace(/:avx512_core_?(\w*)/g, ' $1').trim();
  return [
    name,
    (reorders.length > 0 ? `${short} +${reorders.length} reorder` : short).slice(0, 26),
    fixed(milliseconds, 3),
    operations > 0 ? fixed(operations / milliseconds / 1e6, 1) : '',
    peakPercent === undefined ? '' : fixed(peakPercent, 1),
    fixed(bytesMoved / 1e6, 2),
  ];
}

function summary(profile: NetworkProfile): string {
  const { runMs, executionMs, layersMs, toFirstLayerMs, fromLastLayerMs } = profile;
  const { operations, peakPercent, interruptedPercent } = profile;
  const share = (ms: number): string => `${fixed(ms, 3)} ms  ${fixed((100 * ms) / layersMs, 1)} %`;
  const lines: [string, string][] = [
    ['sum over layers', `${fixed(layersMs, 3)} ms`],
    ['between layers', share(executionMs - layersMs)],
    ['from the call to the first layer', share(toFirstLayerMs)],
    ['from the last layer to the caller', share(fromLastLayerMs)],
    ['run()', share(runMs)],
    [
      'arithmetic',
      `${fixed(operations / 1e9, 2)} Gop, ${fixed(operations / runMs / 1e6, 1)} Gop/s${peakPercent === undefined ? '' : `, ${fixed(peakPercent, 1)} % of the peak`}`,
    ],
  ];
  if (interruptedPercent !== undefined)
    lines.push(['interrupted', `${fixed(interruptedPercent, 1)} % of the time, by the system or others`]);
  return facts(lines);
}
