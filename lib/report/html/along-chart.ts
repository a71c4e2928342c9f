import type { EChartsOption } from 'echarts';
import type { TensorComparison } from '../comparison';
import { AXIS, chart, COLORS } from './chart';
import { html, type Markup } from './markup';
import { fixed } from '../numbers';

/** Beyond it more decibels mean nothing, and equal tensors would be infinitely high. */
const HIGHEST_DB = 60;
const MARKED = 3;

/** SQNR of each tensor in execution order: what has gone wrong so far, and what the layer adds. Drawn for wide and narrow screens. */
export function alongChart(tensors: readonly TensorComparison[]): Markup {
  const title = `Signal to noise of ${tensors.length} tensors in execution order, from ${fixed(tensors[0]?.sqnrDb, 1)} dB at the first to ${fixed(tensors.at(-1)?.sqnrDb, 1)} dB at the last`;
  return html`${chart(option(tensors, false), { width: 1040, height: 380, title, className: 'wide' })}
  ${chart(option(tensors, true), { width: 360, height: 320, title, className: 'narrow' })}`;
}

function option(tensors: readonly TensorComparison[], narrow: boolean): EChartsOption {
  const capped = (value: number): number => Number(Math.min(value, HIGHEST_DB).toFixed(2));
  const weakest = [...tensors.keys()]
    .filter((index) => tensors[index]!.layer?.weighted)
    .sort((a, b) => tensors[a]!.ownSqnrDb - tensors[b]!.ownSqnrDb)
    .slice(0, MARKED);
  const size = narrow ? 4 : 6;
  return {
    grid: { left: 42, right: narrow ? 8 : 16, top: 44, bottom: 36 },
    legend: {
      top: 0,
      left: 0,
      itemGap: 18,
      itemWidth: 18,
      itemHeight: 8,
      textStyle: { color: COLORS.text, fontSize: narrow ? 11 : 12 },
      data: ['up to here', 'added by the layer itself'],
    },
    xAxis: {
      ...AXIS,
      type: 'value',
      min: 1,
      max: Math.max(2, tensors.length),
      name: 'tensor, in execution order',
      nameLocation: 'middle',
      nameGap: 22,
      splitLine: { show: false },
      minInterval: 1,
      axisLabel: { ...AXIS.axisLabel, showMaxLabel: false },
    },
    yAxis: { ...AXIS, type: 'value', name: 'dB', nameGap: 8, scale: true },
    series: [
      {
        name: 'added by the layer itself',
        type: 'scatter',
        symbolSize: size,
        itemStyle: { color: COLORS.own },
        data: tensors.map(({ ownSqnrDb }, index) => [index + 1, capped(ownSqnrDb)]),
        markPoint: {
          symbol: 'circle',
          symbolSize: size * 2.2,
          itemStyle: { color: 'transparent', borderColor: COLORS.bad, borderWidth: 2 },
          label: {
            show: true,
            position: 'bottom',
            formatter: ({ name }) => name,
            color: COLORS.bad,
            fontSize: 11,
            fontWeight: 'bold',
          },
          data: weakest.map((index, rank) => ({
            name: String(rank + 1),
            coord: [index + 1, capped(tensors[index]!.ownSqnrDb)],
          })),
        },
      },
      {
        name: 'up to here',
        type: 'line',
        symbol: 'circle',
        symbolSize: size,
        lineStyle: { color: COLORS.total, width: 2 },
        itemStyle: { color: COLORS.total },
        data: tensors.map(({ sqnrDb }, index) => [index + 1, capped(sqnrDb)]),
      },
    ],
  };
}
