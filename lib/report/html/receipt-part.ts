import type { Receipt } from '../receipt';
import { html } from './markup';
import { more, type Part } from './parts';

/** What the INT8 file says about its making; long lists are folded. */
export function receiptPart(receipt: Receipt | undefined): Part {
  const entries = Object.entries(receipt ?? {});
  const short = entries.filter(([, value]) => !Array.isArray(value));
  const long = entries.filter(([, value]) => Array.isArray(value));
  return {
    id: 'receipt',
    heading: 'Receipt',
    body: receipt
      ? html`<p>What the INT8 file records about its making.</p>
          <dl class="facts">
            ${short.map(
              ([key, value]) =>
                html`<dt>${key.replaceAll('_', ' ')}</dt>
                  <dd>${textOf(value)}</dd>`,
            )}
          </dl>
          ${long.map(([key, value]) => {
            const items = value as unknown[];
            return more(
              `${key.replaceAll('_', ' ')} (${items.length})`,
              html`<ul class="small">
                ${items.map((item) => html`<li>${textOf(item)}</li>`)}
              </ul>`,
            );
          })}`
      : html`<p>The INT8 file records nothing: another tool made it.</p>`,
  };
}

/** Numbers of a list that are shown. */
const SHOWN = 8;

/** Plain text; objects as `field value` pairs, long lists by how they begin. */
function textOf(value: unknown): string {
  if (typeof value === 'number') return String(Number(value.toPrecision(6)));
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) {
    const shown = value.slice(0, SHOWN).map(textOf);
    return [...shown, ...(value.length > SHOWN ? [`... (${value.length})`] : [])].join(', ');
  }
  return Object.entries(value)
    .map(([key, field]) => `${key} ${textOf(field)}`)
    .join(', ');
}
