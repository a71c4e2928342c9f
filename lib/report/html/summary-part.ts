import type { Comparison } from '../comparison';
import type { Findings } from '../findings';
import { fixed, percent } from '../numbers';
import type { Suggestion } from '../suggestions';
import { agreements, confidence, mainOutput } from '../verdict';
import { html, type Content, type Markup } from './markup';
import type { Part } from './parts';

/** What a person should read where it is all that he reads. */
export function summaryPart(comparison: Comparison, findings: Findings): Part {
  const { grade, verdict, weakest, suggestions } = findings;
  const [word, ...rest] = verdict.split(':');
  return {
    id: 'summary',
    heading: 'Summary',
    body: html`<p class="verdict"><span class="grade ${grade}">${word}:</span>${rest.join(':')}</p>
      ${tiles(comparison)}
      <div class="columns">
        <div>
          <h3>The three layers that add the most error</h3>
          <ol>
            ${weakest.map(
              ({ tensor, suggestions: why }) =>
                html`<li>
                  <b>${tensor.layer!.name}</b>
                  <span class="muted">(${tensor.layer!.op}, tensor ${tensor.name})</span>:
                  ${fixed(tensor.ownSqnrDb, 1)} dB on its own. ${suggestionList(why)}
                </li>`,
            )}
          </ol>
        </div>
        <div>
          <h3>What to try, in this order</h3>
          ${
            suggestions.length === 0
              ? html`<p>Nothing stands out.</p>`
              : html`<ol>
                  ${suggestions.map((suggestion) => html`<li>${suggestionText(suggestion)}</li>`)}
                </ol>`
          }
          <p class="muted small">
            Options of <code>calibr8 calibrate</code>. The figures are estimates from these samples: calibrate
            anew and compare again.
          </p>
        </div>
      </div>`,
  };
}

function suggestionList(suggestions: readonly Suggestion[]): Markup {
  return html`<ul>
    ${suggestions.map((suggestion) => html`<li>${suggestionText(suggestion)}</li>`)}
  </ul>`;
}

function suggestionText({ why, remedy, flag }: Suggestion): Markup {
  return html`${why.charAt(0).toUpperCase() + why.slice(1)}:
  ${remedy}${flag === undefined ? '' : html` <code>${flag}</code>`}.`;
}

function tiles(comparison: Comparison): Markup {
  const output = mainOutput(comparison);
  const { speed } = comparison;
  const all: [string, Content, Content][] = [];
  if (output?.agreementPercent !== undefined) {
    const { equal, samples } = agreements(output);
    const [low, high] = confidence(equal, samples);
    all.push([
      'Same choice as FP32',
      percent(output.agreementPercent, 1),
      `95 %: ${fixed(low, 1)} to ${fixed(high, 1)}`,
    ]);
  }
  if (output?.top1)
    all.push(['Top-1 INT8', percent(output.top1.int8, 1), `FP32: ${percent(output.top1.fp32, 1)}`]);
  if (output) all.push(['SQNR of the output', `${fixed(output.sqnrDb, 1)} dB`, output.name]);
  all.push([
    'INT8 over FP32 speed',
    `${fixed(speed.fp32Milliseconds / speed.int8Milliseconds, 2)} ×`,
    `${fixed(speed.int8Milliseconds, 1)} ms, ${speed.threads} thread${speed.threads === 1 ? '' : 's'}`,
  ]);
  all.push(['Multiply-adds in INT8', percent(comparison.int8Percent, 1), comparison.precision]);
  all.push(['Samples', comparison.samples, `${comparison.tensors.length} tensors each`]);
  return html`<dl class="tiles">
    ${all.map(
      ([label, value, detail]) =>
        html`<div class="tile">
          <dt>${label}</dt>
          <dd>${value}<small>${detail}</small></dd>
        </div>`,
    )}
  </dl>`;
}
