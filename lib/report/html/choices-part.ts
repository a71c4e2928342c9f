import type { ChoicePair, Difference, OutputComparison } from '../choices';
import type { Comparison } from '../comparison';
import { fixed, percent, significant } from '../numbers';
import { mainOutput } from '../verdict';
import { html, type Markup } from './markup';
import { more, table, type Part } from './parts';

/** Classes of the matrix; more fit on no screen. */
const CLASSES = 10;
const PAIRS = 10;

/** Where the two networks choose differently. */
export function choicesPart(comparison: Comparison): Part | undefined {
  const output = mainOutput(comparison);
  if (!output) return undefined;
  const different = output.pairs.filter(({ fp32, int8 }) => fp32 !== int8);
  return {
    id: 'choices',
    heading: output.agreementPercent === undefined ? 'Outputs' : 'Where the choices differ',
    body: html`${outputs(comparison.outputs)}
    ${
      output.agreementPercent === undefined
        ? undefined
        : different.length === 0
          ? html`<p>Both networks chose the same class for every sample.</p>`
          : html`${rights(output)}
              <div class="columns">
                <div>${pairTable(different)}</div>
                <div>${matrix(output.pairs, different)}</div>
              </div>
              ${more(
                `The samples${output.differences.length < sum(different) ? ` (the first ${output.differences.length})` : ''}`,
                differenceTable(output.differences),
              )}`
    }`,
  };
}

function outputs(all: readonly OutputComparison[]): Markup {
  return table(
    'Outputs of both networks',
    [
      { head: 'output', left: true, cell: ({ name }) => name },
      { head: 'elements', cell: ({ size }) => size },
      { head: 'SQNR', unit: 'dB', cell: ({ sqnrDb }) => fixed(sqnrDb, 1) },
      { head: 'same choice', cell: ({ agreementPercent }) => percent(agreementPercent, 1) },
      { head: 'top-1', unit: 'FP32', cell: ({ top1 }) => percent(top1?.fp32, 1) },
      { head: 'top-1', unit: 'INT8', cell: ({ top1 }) => percent(top1?.int8, 1) },
    ],
    all,
  );
}

function rights({ whereDifferent: { fp32Right, int8Right, neither } }: OutputComparison): Markup | undefined {
  if (fp32Right + int8Right + neither === 0) return undefined;
  return html`<p>
    Where they differ, FP32 was right ${times(fp32Right)}, INT8 ${times(int8Right)}, neither
    ${times(neither)}.
  </p>`;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

function pairTable(different: readonly ChoicePair[]): Markup {
  const shown = different.slice(0, PAIRS);
  const left = different.length - shown.length;
  return html`${table(
    'Pairs of classes, the most frequent first',
    [
      { head: 'FP32 chose class', cell: ({ fp32 }: ChoicePair) => fp32 },
      { head: 'INT8 chose class', cell: ({ int8 }: ChoicePair) => int8 },
      { head: 'samples', cell: ({ count }: ChoicePair) => count },
    ],
    shown,
  )}${left > 0 ? html`<p class="muted small">And ${left} more pairs.</p>` : undefined}`;
}

/** The classes of the most frequent differing pairs against each other. */
function matrix(pairs: readonly ChoicePair[], different: readonly ChoicePair[]): Markup {
  const classes = new Set<number>();
  for (const { fp32, int8 } of different)
    if (new Set([...classes, fp32, int8]).size <= CLASSES) classes.add(fp32).add(int8);
  const shown = [...classes].sort((a, b) => a - b);
  const counts = new Map(pairs.map(({ fp32, int8, count }) => [`${fp32} ${int8}`, count]));
  const cell = (fp32: number, int8: number): Markup => {
    const count = counts.get(`${fp32} ${int8}`) ?? 0;
    const kind = count === 0 ? 'none' : fp32 === int8 ? 'same' : 'other';
    return html`<td class="${kind}">${count === 0 ? '·' : count}</td>`;
  };
  const caption = `Samples by class: FP32's choice down, INT8's across${different.length > shown.length / 2 ? ` (${shown.length} classes)` : ''}`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
    <table class="matrix">
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          <td class="muted small">FP32 \\ INT8</td>
          ${shown.map((name) => html`<th scope="col">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${shown.map(
          (row) =>
            html`<tr>
              <th scope="row">${row}</th>
              ${shown.map((column) => cell(row, column))}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function differenceTable(differences: readonly Difference[]): Markup {
  return table(
    "Samples on which they differ; a small margin of FP32's first choice over its second means a close call",
    [
      { head: 'sample', left: true, cell: ({ name }) => name },
      { head: 'label', cell: ({ label }) => label ?? '-' },
      { head: 'FP32', cell: ({ fp32 }) => fp32 },
      { head: 'INT8', cell: ({ int8 }) => int8 },
      { head: 'margin', cell: ({ margin }) => significant(margin) },
    ],
    differences,
  );
}

function sum(pairs: readonly ChoicePair[]): number {
  return pairs.reduce((total, { count }) => total + count, 0);
}
