import { basename } from 'node:path';
import type { CalibrationSummary, RefinementSummary, TensorSummary } from '../calibration/summary';
import type { CalibrationTable } from '../calibration/table';
import { typeText } from '../quantization/parameters';
import { bytes, fixed, percent, significant, table } from './format';

const SHOWN = 10;

export interface CalibrationDetails {
  model: string;
  modelBytesBefore: number;
  preprocessing: string;
  totalSeconds: number;
}

/** What a person should see before deploying the network: where it lost precision, how small and how fast it became. */
export function summaryText(
  summary: CalibrationSummary,
  details: CalibrationDetails,
  verbose: boolean,
): string {
  const { tensors } = summary;
  const bySqnr = [...tensors].sort((a, b) => a.sqnrDb - b.sqnrDb);
  const byClipped = tensors
    .filter(({ clippedPercent }) => clippedPercent > 0)
    .sort((a, b) => b.clippedPercent - a.clippedPercent);
  const sections = verbose
    ? [`All ${tensors.length} tensors, worst SQNR first\n${tensorTable(bySqnr)}`]
    : [
        `Worst SQNR of ${tensors.length} tensors (--verbose lists all)\n${tensorTable(bySqnr.slice(0, SHOWN))}`,
        byClipped.length === 0
          ? 'No value is clipped.'
          : `Most clipped\n${tensorTable(byClipped.slice(0, SHOWN))}`,
      ];
  return [...sections, closingLines(summary, details)].join('\n\n');
}

/** What a calibration table holds, in a line or two. */
export function tableText({ samples, tensors }: CalibrationTable, path: string): string {
  const edited = tensors.filter(({ threshold, calibrated }) => threshold !== calibrated).length;
  const edits = edited > 0 ? `, ${edited} of them edited` : '';
  return `Saved ${path}: ${samples.count} samples, ${tensors.length} tensors${edits}`;
}

function tensorTable(tensors: readonly TensorSummary[]): string {
  return table(
    ['tensor', 'type', 'threshold', 'by', 'scale', 'clipped', 'SQNR dB'],
    tensors.map(({ name, dtype, bits, threshold, observer, scale, clippedPercent, sqnrDb }) => [
      name,
      typeText({ dtype, bits }),
      significant(threshold),
      observer,
      significant(scale),
      percent(clippedPercent, 3),
      fixed(sqnrDb, 1),
    ]),
    { left: [0, 1, 3] },
  );
}

function refinementLine(done: RefinementSummary): string {
  const parts = [
    ...(done.equalization ? [`${done.equalizedTensors} tensors equalized`] : []),
    ...(done.rounding === 'learned' ? ['rounding learned'] : []),
    ...(done.biasCorrection ? ['biases corrected'] : []),
  ];
  return `Refined on ${done.samples} samples: ${parts.join(', ')}`;
}

function closingLines(summary: CalibrationSummary, details: CalibrationDetails): string {
  const before = details.modelBytesBefore;
  const share = before > 0 ? ` (${percent((100 * summary.modelBytes) / before, 0)})` : '';
  return [
    `${summary.samples} samples, algorithm ${summary.algorithm}, ${fixed(details.totalSeconds, 1)} s`,
    `Preprocessing ${details.preprocessing}`,
    ...(summary.refinement ? [refinementLine(summary.refinement)] : []),
    `${summary.int8Nodes} nodes in INT8, ${summary.fp32Nodes} in FP32`,
    `${basename(details.model)} ${bytes(before)} -> ${basename(summary.output)} ${bytes(summary.modelBytes)}${share}`,
    `Saved ${summary.output}`,
  ].join('\n');
}
