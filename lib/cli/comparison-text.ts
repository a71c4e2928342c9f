import type { Comparison, TensorComparison } from '../report/comparison';
import { findingsOf } from '../report/findings';
import type { Suggestion } from '../report/suggestions';
import { facts, fixed, percent, table, wrap } from './format';

const SHOWN = 10;

/** What a person sees of a comparison. */
export function comparisonText(
  comparison: Comparison,
  { verbose, html }: { verbose: boolean; html: string | undefined },
): string {
  const { tensors, unmatched, outputs } = comparison;
  const { verdict, suggestions, weakest } = findingsOf(comparison);
  const bySqnr = [...tensors].sort((a, b) => a.sqnrDb - b.sqnrDb);
  const byOwn = tensors.filter(({ layer }) => layer).sort((a, b) => a.ownSqnrDb - b.ownSqnrDb);
  const sections = [
    wrap(verdict, ''),
    table(
      ['output', 'SQNR dB', 'same choice', 'FP32 top-1', 'INT8 top-1'],
      outputs.map(({ name, sqnrDb, agreementPercent, top1 }) => [
        name,
        fixed(sqnrDb, 1),
        percent(agreementPercent, 1),
        percent(top1?.fp32),
        percent(top1?.int8),
      ]),
    ),
    ...(verbose
      ? [`All ${tensors.length} tensors, worst SQNR first\n${tensorTable(bySqnr)}`]
      : [
          `Worst SQNR of ${tensors.length} tensors (--verbose lists all)\n${tensorTable(bySqnr.slice(0, SHOWN))}`,
          `Most error of their own\n${tensorTable(byOwn.slice(0, SHOWN))}`,
        ]),
  ];
  if (unmatched.length > 0)
    sections.push(
      `Not compared: ${unmatched.length} ${unmatched.length === 1 ? 'tensor' : 'tensors'}\n${table(
        ['tensor', 'because'],
        (verbose ? unmatched : unmatched.slice(0, SHOWN)).map(({ name, reason }) => [name, reason]),
        { left: [0, 1] },
      )}`,
    );
  sections.push(
    `The layers that add the most error\n${weakest
      .map(({ tensor, suggestions: why }) =>
        [
          wrap(`${tensor.layer!.name} (${tensor.layer!.op}), ${fixed(tensor.ownSqnrDb, 1)} dB:`, '- '),
          ...why.map((one) => wrap(suggestionText(one), '  - ')),
        ].join('\n'),
      )
      .join('\n')}`,
  );
  if (suggestions.length > 0)
    sections.push(
      `What to try\n${suggestions.map((one, index) => wrap(suggestionText(one), `${index + 1}. `)).join('\n')}`,
    );
  return [...sections, closing(comparison, html)].join('\n\n');
}

/** A comparison for machines: all figures, without what is only there to be drawn. */
export function comparisonJson(comparison: Comparison): object {
  return {
    ...comparison,
    tensors: comparison.tensors.map(({ histogram: _, ...rest }) => rest),
    layers: comparison.layers.map(({ low: _low, high: _high, ...rest }) => rest),
    findings: shortFindings(comparison),
  };
}

function shortFindings(comparison: Comparison): object {
  const { weakest, ...rest } = findingsOf(comparison);
  return {
    ...rest,
    weakest: weakest.map(({ tensor: { name, layer }, suggestions }) => ({
      tensor: name,
      layer,
      suggestions,
    })),
  };
}

function tensorTable(tensors: readonly TensorComparison[]): string {
  return table(
    ['tensor', 'made by', 'SQNR dB', 'own dB', 'clipped', 'levels'],
    tensors.map(({ name, layer, sqnrDb, ownSqnrDb, clippedPercent, levelsUsedPercent }) => [
      name,
      layer?.op ?? 'input',
      fixed(sqnrDb, 1),
      fixed(ownSqnrDb, 1),
      percent(clippedPercent, 3),
      percent(levelsUsedPercent, 0),
    ]),
    { left: [0, 1] },
  );
}

function suggestionText({ why, remedy, flag }: Suggestion): string {
  return `${why}: ${remedy}${flag === undefined ? '' : ` ${flag}`}`;
}

function closing({ samples, seconds, speed, int8Percent }: Comparison, html: string | undefined): string {
  const { fp32Milliseconds, int8Milliseconds } = speed;
  return facts([
    ['samples', `${samples}, ${fixed(seconds, 1)} s`],
    [
      'one run',
      `FP32 ${fixed(fp32Milliseconds, 1)} ms, INT8 ${fixed(int8Milliseconds, 1)} ms, ${fixed(fp32Milliseconds / int8Milliseconds, 2)} times as fast`,
    ],
    ['in INT8', `${percent(int8Percent, 1)} of the multiply-adds`],
    ...(html === undefined ? [] : [['report', html] as const]),
  ]);
}
