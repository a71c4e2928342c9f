import type { Comparison } from '../comparison';
import { fixed } from '../numbers';
import type { LayerWeights } from '../weights';
import { html, type Markup } from './markup';
import { more, type Part } from './parts';
import { weightsChart } from './weights-chart';

const PLOTS = 6;

/** The weights of every layer. */
export function weightsPart({ layers }: Comparison): Part {
  const worst = [...layers].sort((a, b) => (a.sqnrDb ?? Infinity) - (b.sqnrDb ?? Infinity));
  return {
    id: 'weights',
    heading: 'Weights of each output channel',
    body: html`<p>
        Least and greatest FP32 weight of each output channel, worst signal to noise of the INT8 weights
        first. Each channel has a scale of its own; layers with many channels are drawn in groups.
      </p>
      ${plots(worst.slice(0, PLOTS))}
      ${worst.length > PLOTS ? more(`The other ${worst.length - PLOTS} layers`, plots(worst.slice(PLOTS))) : undefined}`,
  };
}

function plots(layers: readonly LayerWeights[]): Markup {
  return html`<div class="cards">
    ${layers.map(
      (layer) =>
        html`<figure>
          <figcaption><b>${layer.name}</b><span class="muted">${describeLayer(layer)}</span></figcaption>
          ${weightsChart(layer)}
        </figure>`,
    )}
  </div>`;
}

function describeLayer({ op, dims, storedAs, sqnrDb }: LayerWeights): string {
  const quality =
    storedAs === undefined
      ? 'not found in the INT8 file'
      : storedAs === 'float32'
        ? 'stays in FP32'
        : `${storedAs}, ${fixed(sqnrDb, 1)} dB`;
  return `${op} [${dims.join(', ')}]; ${quality}`;
}
