import { html, type Content, type Markup } from './markup';

/** A part of the page with a heading that the navigation leads to. */
export interface Part {
  readonly id: string;
  readonly heading: string;
  readonly body: Markup;
}

export function section({ id, heading, body }: Part): Markup {
  return html`<section id="${id}" aria-labelledby="${id}-heading">
    <h2 id="${id}-heading">${heading}</h2>
    ${body}
  </section>`;
}

export interface Column<T> {
  readonly head: string;
  /** A second, smaller line of the head: the unit. */
  readonly unit?: string;
  readonly left?: boolean;
  cell(row: T): Content;
}

/** A table that scrolls by itself where it is wider than the page. The first column heads the rows. */
export function table<T>(caption: string, columns: readonly Column<T>[], rows: readonly T[]): Markup {
  const side = ({ left }: Column<T>): Markup | undefined => (left ? html` class="left"` : undefined);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map(
            (column) =>
              html`<th scope="col" ${side(column)}>
                ${column.head}${column.unit === undefined ? undefined : html`<small>${column.unit}</small>`}
              </th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${columns.map((column, index) =>
                index === 0
                  ? html`<th scope="row" ${side(column)}>${column.cell(row)}</th>`
                  : html`<td${side(column)}>${column.cell(row)}</td>`,
              )}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** What is there for those who want all of it. */
export function more(summary: string, body: Markup): Markup {
  return html`<details>
    <summary>${summary}</summary>
    ${body}
  </details>`;
}
