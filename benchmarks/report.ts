import { bytes, fixed, table } from '../lib/cli/format';
import { profileText } from '../lib/cli/profile-text';
import type { Ratios } from './ratios';
import type { CalibrationCost, Phases } from './run-calibration';
import type { MeasuredLayers } from './run-layers';
import type { MeasuredOverhead } from './run-overhead';
import type { Measured } from './trials';

const SHORT = { calibr8: 'calibr8', onnxruntime: 'ort' } as const;

/** Speed and latency of every configuration. */
export function throughputTable(results: readonly Measured[]): string {
  return table(
    ['network', 'type', 'thr', 'engine', 'img/s', 'min', 'max', 'p50 ms', 'p90', 'p99'],
    results.map(({ network, precision, threads, engine, imagesPerSecond: speed, latencyMs: latency }) => [
      network,
      precision,
      String(threads),
      SHORT[engine],
      ...[speed.median, speed.min, speed.max].map(short),
      ...[latency.p50, latency.p90, latency.p99].map((value) => fixed(value, value < 100 ? 2 : 1)),
    ]),
    { left: [0, 1, 3] },
  );
}

/** Images per second of single trials, to see how steady they were. */
export function trialTable(results: readonly Measured[]): string {
  const trials = Math.min(8, results[0]?.trials.length ?? 0);
  return table(
    ['network', 'type', 'thr', 'engine', ...Array.from({ length: trials }, (_, i) => `#${i + 1}`)],
    results.map(({ network, precision, threads, engine, trials: rates }) => [
      network,
      precision,
      String(threads),
      SHORT[engine],
      ...rates.slice(0, trials).map(short),
    ]),
    { left: [0, 1, 3] },
  );
}

/** Quotients of medians. */
export function ratioTable(ratios: readonly Ratios[], peer: boolean): string {
  const head = ['network', 'thr', 'INT8/FP32'];
  const more = ['ort INT8/FP32', 'calibr8/ort FP32', 'INT8'];
  return table(
    peer ? [...head, ...more] : head,
    ratios.map(({ network, threads, int8OverFp32, calibr8OverOnnxruntime }) => {
      const cells = [network, String(threads), fixed(int8OverFp32.calibr8, 2)];
      const { fp32, int8 } = calibr8OverOnnxruntime;
      return peer
        ? [...cells, ...[int8OverFp32.onnxruntime, fp32, int8].map((value) => fixed(value, 2))]
        : cells;
    }),
  );
}

/** run() beside the sum of its primitives, and which of them lack VNNI. */
export function overheadText(results: readonly MeasuredOverhead[], vnni: boolean): string {
  const text = table(
    ['network', 'type', 'thr', 'run() ms', 'on its thread', 'primitives', 'overhead'],
    results.map((one) => [
      one.network,
      one.precision,
      String(one.threads),
      ...[one.runMs, one.executionMs, one.primitivesMs].map((value) => fixed(value, 3)),
      `${fixed(one.overheadPercent, 1)} %`,
    ]),
    { left: [0, 1] },
  );
  const slow = results.flatMap(({ network, threads, withoutVnni = [] }) =>
    withoutVnni.map((step) => [network, String(threads), step.name, step.implementation, step.dataTypes]),
  );
  const title = 'Convolutions and matrix products of INT8 networks without VNNI';
  if (!vnni) return `${text}\n\n${title}: all, this processor has none`;
  if (slow.length === 0) return `${text}\n\n${title}: none`;
  const list = table(['network', 'thr', 'step', 'implementation', 'types'], slow, {
    flexible: 2,
    left: [0, 2, 3, 4],
  });
  return `${text}\n\n${title}:\n\n${list}`;
}

/** A network layer by layer. */
export function layersText({ network, precision, threads, profile }: MeasuredLayers): string {
  return `${network}, ${precision}\n${profileText(profile, threads)}`;
}

/** Time and memory of a calibration. */
export function calibrationText(cost: CalibrationCost): string {
  const { samples, phases, ratio, memory, memoryGrowthPercent } = cost;
  const row = (label: string, { load, runs, save, total }: Phases, quotient?: number): string[] => [
    label,
    ...[load, runs, save, total].map((seconds) => fixed(seconds, 2)),
    quotient === undefined ? '' : fixed(quotient, 2),
  ];
  const times = table(
    [`${cost.network}, ${samples} samples`, 'load s', 'runs', 'save', 'total', 'over FP32 runs'],
    [
      row('FP32 runs', phases.runs),
      row('calibration, max', phases.max, ratio.max),
      row('calibration, KL', phases.KL, ratio.KL),
    ],
  );
  const sizes = memory.map(({ samples: count, peakBytes }) => `${count} samples: ${bytes(peakBytes)}`);
  const growth = `${memoryGrowthPercent < 0 ? '' : '+'}${fixed(memoryGrowthPercent, 1)} %`;
  return `${times}\n\nPeak memory with ${sizes.join(', ')} (${growth})`;
}

/** Four digits at most, so that columns stay narrow. */
function short(value: number): string {
  return fixed(value, value < 1000 ? 1 : 0);
}
