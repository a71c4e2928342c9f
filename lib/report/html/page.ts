import { version } from 'calibr8/package.json';
import type { Comparison } from '../comparison';
import { findingsOf } from '../findings';
import { choicesPart } from './choices-part';
import { html, Markup } from './markup';
import { section, type Part } from './parts';
import { receiptPart } from './receipt-part';
import { speedPart } from './speed-part';
import { STYLE } from './style';
import { summaryPart } from './summary-part';
import { activationsPart, alongPart, tensorsPart } from './tensors-part';
import { weightsPart } from './weights-part';

/** What the comparison itself does not know. */
export interface ReportContext {
  /** How the report calls the two networks, for example their file names. */
  fp32: string;
  int8: string;
  /** Where the inputs come from and how they were preprocessed, in words. */
  inputs?: string;
}

/**
 * A comparison as one HTML page that needs nothing else: no script, no network, every plot drawn already. It fits phones and paper,
 * follows the reader's light or dark scheme, and stays below 3 MB for networks of some hundred tensors.
 */
export function renderReport(comparison: Comparison, { fp32, int8, inputs }: ReportContext): string {
  const parts: Part[] = [
    summaryPart(comparison, findingsOf(comparison)),
    alongPart(comparison),
    tensorsPart(comparison),
    activationsPart(comparison),
    weightsPart(comparison),
    ...[choicesPart(comparison)].filter((part) => part !== undefined),
    speedPart(comparison),
    receiptPart(comparison.receipt),
  ];
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="generator" content="calibr8 ${version}" />
        <title>${int8} against ${fp32}</title>
        <style>
          ${new Markup(STYLE)}
        </style>
      </head>
      <body>
        <header>
          <h1>${int8} against ${fp32}</h1>
          <p class="muted">
            What INT8 changed, on ${comparison.samples} samples${inputs === undefined ? '' : `: ${inputs}`}.
          </p>
          <nav aria-label="Parts of this report">
            ${parts.map(({ id, heading }) => html`<a href="#${id}">${heading}</a> `)}
          </nav>
        </header>
        <main>${parts.map(section)}</main>
        <footer class="muted small">
          calibr8 ${version}, compared in ${comparison.seconds.toFixed(0)} s. Parts that are folded here do
          not print: open them first.
        </footer>
      </body>
    </html> `;
  return page.text
    .replace(/\n\s*/g, '\n') // the templates' indentation
    .replace(/(\d) (?=(?:%|dB|ms|×))/g, '$1\u00a0'); // a unit stays with its number
}
