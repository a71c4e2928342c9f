import type { Comparison } from '../comparison';
import { fixed, percent } from '../numbers';
import { html } from './markup';
import { more, table, type Part } from './parts';

/** What runs for the INT8 network here. */
export function speedPart({ speed }: Comparison): Part {
  const { fp32Milliseconds, int8Milliseconds, steps, threads, batch } = speed;
  const total = steps.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0);
  const slow = steps.filter(({ implementation }) => implementation.startsWith('ref'));
  return {
    id: 'speed',
    heading: 'Speed on this machine',
    body: html`<p>
        ${fixed(fp32Milliseconds, 1)} ms in FP32, ${fixed(int8Milliseconds, 1)} ms in INT8 for a run of
        ${batch}, on ${threads} thread${threads === 1 ? '' : 's'}: medians of nine runs in turns, a quick
        look.
        <code>calibr8 benchmark</code> measures.
        ${
          slow.length > 0
            ? `${slow.length} steps run on oneDNN's slow reference code: ${slow.map(({ name }) => name).join(', ')}.`
            : ''
        }
      </p>
      ${more(
        `The ${steps.length} steps of the INT8 network`,
        table(
          'Steps in execution order, with the implementation that oneDNN chose',
          [
            { head: 'step', left: true, cell: ({ name }) => name },
            { head: 'µs', cell: ({ nanoseconds }) => fixed(nanoseconds / 1000, 0) },
            { head: 'share', cell: ({ nanoseconds }) => percent((100 * nanoseconds) / total, 1) },
            { head: 'types', left: true, cell: ({ dataTypes }) => dataTypes },
            { head: 'implementation', left: true, cell: ({ implementation }) => implementation },
          ],
          steps,
        ),
      )}`,
  };
}
