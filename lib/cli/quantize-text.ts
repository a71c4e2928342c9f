import { basename } from 'node:path';
import type { QuantizeSummary } from '../mixed-precision/summary';
import { bytes, facts, fixed, percent, table } from './format';

export interface QuantizeDetails {
  model: string;
  modelBytesBefore: number;
  preprocessing: string;
  totalSeconds: number;
}

/** What a person wants to know: which layers were returned and why, what that gained, and what it costs. */
export function quantizeText(summary: QuantizeSummary, details: QuantizeDetails): string {
  return [returnedText(summary), comparisonText(summary), closingText(summary, details)].join('\n\n');
}

function returnedText({ returned, ranking, int8Nodes }: QuantizeSummary): string {
  const layers = int8Nodes + returned.length;
  if (returned.length === 0)
    return ranking.length === 0
      ? `All ${layers} layers stay in INT8: that is within the limit.`
      : `All ${layers} layers stay in INT8: no better network was found.`;
  const rows = returned.map(({ name, sqnrDb, multiplyAddsPercent }) => [
    name,
    `${fixed(sqnrDb, 1)} dB`,
    percent(multiplyAddsPercent),
  ]);
  const head = ['layer', 'SQNR where it alone is INT8', 'multiply-adds'];
  return `${returned.length} of ${layers} layers returned to FP32, those that gain most first\n${table(head, rows)}`;
}

function comparisonText({ allInt8, result, speed, returned }: QuantizeSummary): string {
  const labeled = result.top1 !== undefined;
  const row = (name: string, measured: typeof result, rate: number | undefined): string[] => [
    name,
    ...(labeled ? [percent(measured.top1), `${fixed(measured.drop, 2)} points`] : []),
    percent(measured.agreement),
    `${fixed(measured.sqnrDb, 1)} dB`,
    ...(speed ? [fixed(rate, 1)] : []),
  ];
  const head = [
    'network',
    ...(labeled ? ['top-1', 'drop'] : []),
    'same first choice',
    'SQNR',
    ...(speed ? ['images/s'] : []),
  ];
  const rows = [row('all in INT8', allInt8, speed?.allInt8)];
  if (returned.length > 0) rows.push(row('saved', result, speed?.result));
  return table(head, rows);
}

function closingText(summary: QuantizeSummary, details: QuantizeDetails): string {
  const { met, timedOut, result, speed } = summary;
  const lines: [string, string][] = [['limit', `${limitText(summary)}: ${verdict(met, timedOut)}`]];
  lines.push(['measured on', `${result.samples} images that did not calibrate`]);
  lines.push(['multiply-adds in INT8', percent(summary.int8MultiplyAddsPercent, 1)]);
  if (speed) {
    const { ratio } = speed;
    const threads = `${speed.threads} thread${speed.threads === 1 ? '' : 's'}`;
    lines.push([
      'speed',
      `${fixed(ratio.median, 2)} of all-INT8 (${fixed(ratio.min, 2)} to ${fixed(ratio.max, 2)}), this machine, ${threads}`,
    ]);
  }
  lines.push(['calibration', `${summary.samples} runs, algorithm ${summary.algorithm}`]);
  lines.push(['preprocessing', details.preprocessing]);
  lines.push(['time', `${fixed(details.totalSeconds, 1)} s`]);
  const sizes = `${bytes(details.modelBytesBefore)} -> ${bytes(summary.modelBytes)}`;
  lines.push(['saved', `${basename(summary.output)}, ${sizes}`]);
  return facts(lines);
}

function limitText({ tolerance: { maxDrop, minAgreement, minSqnr } }: QuantizeSummary): string {
  return [
    maxDrop !== undefined && `drop at most ${maxDrop} points`,
    minAgreement !== undefined && `same first choice at least ${minAgreement} %`,
    minSqnr !== undefined && `SQNR at least ${minSqnr} dB`,
  ]
    .filter(Boolean)
    .join(', ');
}

function verdict(met: boolean, timedOut: boolean): string {
  if (met) return timedOut ? 'met; in more time perhaps with fewer layers' : 'met';
  return timedOut ? 'NOT MET in the time given' : 'NOT MET';
}
