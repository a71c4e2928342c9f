import { typeText } from '../../quantization/parameters';
import type { Comparison, TensorComparison } from '../comparison';
import { fixed, percent, significant } from '../numbers';
import { alongChart } from './along-chart';
import { histogramChart } from './histogram-chart';
import { html, type Markup } from './markup';
import { more, table, type Column, type Part } from './parts';

const ROWS = 12;
const PLOTS = 6;

/** SQNR along the network. */
export function alongPart({ tensors }: Comparison): Part {
  return {
    id: 'along',
    heading: 'Along the network',
    body: html`<p>
        Signal to noise of each quantized tensor, INT8 against FP32, in execution order; higher is better, 6
        dB is a factor of two. The line is what has gone wrong up to a tensor, the dots what its layer adds on
        its own when it gets FP32's values. The circles mark the three layers of the summary.
      </p>
      ${alongChart(tensors)}`,
  };
}

/** All tensors as a table, worst first. */
export function tensorsPart({ tensors, unmatched }: Comparison): Part {
  const order = new Map(tensors.map((tensor, index) => [tensor, index + 1]));
  const worst = [...tensors].sort((a, b) => a.sqnrDb - b.sqnrDb);
  const columns = tensorColumns(order);
  return {
    id: 'tensors',
    heading: 'Tensors, worst first',
    body: html`<p>
        <b>SQNR</b>: FP32's value over the difference, all errors so far. <b>Own</b>: the error that the layer
        adds where it gets FP32's values. <b>Clipped</b>: FP32's values beyond the range. <b>Levels</b>: how
        many of the 256 occur. <b>Shift</b>: share of the noise that is a constant offset of the channels,
        which bias correction can remove. <b>Spread</b>: how much farther the widest channel reaches than the
        median one.
      </p>
      ${table(`The worst ${Math.min(ROWS, worst.length)} of ${worst.length} tensors`, columns, worst.slice(0, ROWS))}
      ${worst.length > ROWS ? more(`The other ${worst.length - ROWS} tensors`, table('The other tensors', columns, worst.slice(ROWS))) : undefined}
      ${
        unmatched.length > 0
          ? more(
              `${unmatched.length} tensors of the INT8 network that could not be compared`,
              table(
                'Not compared',
                [
                  { head: 'tensor', left: true, cell: ({ name }) => name },
                  { head: 'because', left: true, cell: ({ reason }) => reason },
                ],
                unmatched,
              ),
            )
          : undefined
      }`,
  };
}

function tensorColumns(order: ReadonlyMap<TensorComparison, number>): Column<TensorComparison>[] {
  return [
    {
      head: 'tensor',
      left: true,
      cell: ({ name, layer, equalized }) =>
        html`${name}<small>${layer ? layer.op : 'input'}${equalized ? ', equalized' : ''}</small>`,
    },
    { head: 'place', cell: (tensor) => order.get(tensor)! },
    { head: 'SQNR', unit: 'dB', cell: ({ sqnrDb }) => html`<b>${fixed(sqnrDb, 1)}</b>` },
    { head: 'own', unit: 'dB', cell: ({ ownSqnrDb }) => fixed(ownSqnrDb, 1) },
    { head: 'clipped', unit: '%', cell: ({ clippedPercent }) => fixed(clippedPercent, 3) },
    { head: 'levels', unit: '%', cell: ({ levelsUsedPercent }) => fixed(levelsUsedPercent, 0) },
    { head: 'shift', unit: '%', cell: ({ systematicPercent }) => fixed(systematicPercent, 0) },
    { head: 'spread', cell: ({ channelSpread }) => fixed(channelSpread, 1) },
    {
      head: 'range',
      unit: 'in the file',
      cell: ({ range: [low, high] }) => `${significant3(low)} to ${significant3(high)}`,
    },
    { head: 'type', cell: ({ grid }) => typeText(grid) },
  ];
}

/** Histograms with the ranges of every calibration algorithm. */
export function activationsPart({ tensors }: Comparison): Part {
  const worst = [...tensors].sort((a, b) => a.ownSqnrDb - b.ownSqnrDb);
  return {
    id: 'activations',
    heading: 'Activations and their ranges',
    body: html`<p>
        FP32's values, counts on a logarithmic scale. Below, on the same axis, the range that the file clips
        at and those that each calibration algorithm would choose from these samples, with the signal to noise
        that rounding and clipping alone would leave (an estimate). Worst own error first.
      </p>
      <p class="legend muted">
        <span><i class="swatch values"></i>FP32's values</span>
        <span><i class="swatch file"></i>range in the file</span>
        <span><i class="swatch algorithms"></i>calibration algorithms</span>
      </p>
      ${histograms(worst.slice(0, PLOTS))}
      ${worst.length > PLOTS ? more(`The other ${worst.length - PLOTS} tensors`, histograms(worst.slice(PLOTS))) : undefined}`,
  };
}

function histograms(tensors: readonly TensorComparison[]): Markup {
  return html`<div class="cards">
    ${tensors.map(
      (tensor) =>
        html`<figure>
          <figcaption>
            <b>${tensor.name}</b
            ><span class="muted"
              >${tensor.layer?.op ?? 'input'}, ${typeText(tensor.grid)}; own ${fixed(tensor.ownSqnrDb, 1)} dB,
              clipped
              ${percent(tensor.clippedPercent, 3)}${
                tensor.equalized ? '; equalized, so that no one range holds for all channels' : ''
              }</span
            >
          </figcaption>
          ${histogramChart(tensor)}
        </figure>`,
    )}
  </div>`;
}

function significant3(value: number): string {
  return significant(Number(value.toPrecision(3)));
}
