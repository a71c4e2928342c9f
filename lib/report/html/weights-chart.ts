import type { EChartsOption } from 'echarts';
import { significant } from '../numbers';
import type { LayerWeights } from '../weights';
import { AXIS, chart, COLORS } from './chart';
import type { Markup } from './markup';

/** A small plot has no more columns than that; beyond, neighbors share one that covers them. */
const COLUMNS = 160;

/** The range of a layer's weights for each output channel, as a band. */
export function weightsChart({ name, low, high }: LayerWeights): Markup {
  const group = Math.ceil(low.length / COLUMNS);
  const round = (value: number): number => Number(value.toPrecision(3));
  const tops: [number, number][] = [];
  const bottoms: [number, number][] = [];
  for (let start = 0; start < low.length; start += group) {
    const end = Math.min(low.length, start + group);
    tops.push([start, round(high.subarray(start, end).reduce((a, b) => Math.max(a, b)))]);
    bottoms.push([start, round(low.subarray(start, end).reduce((a, b) => Math.min(a, b)))]);
  }
  for (const list of [tops, bottoms]) list.push([low.length, list.at(-1)![1]]);
  const title = `Range of the weights of ${name} in each of ${low.length} output channels, from ${significant(Math.min(...bottoms.map(([, y]) => y)))} to ${significant(Math.max(...tops.map(([, y]) => y)))}`;
  return chart(option(tops, bottoms, low.length), { width: 340, height: 150, title });
}

function option(tops: [number, number][], bottoms: [number, number][], channels: number): EChartsOption {
  const edge = {
    type: 'line' as const,
    step: 'end' as const,
    symbol: 'none',
    lineStyle: { width: 1, color: COLORS.total },
    areaStyle: { color: COLORS.fill, opacity: 1, origin: 0 },
  };
  return {
    grid: { left: 48, right: 14, top: 8, bottom: 34 },
    xAxis: {
      ...AXIS,
      type: 'value',
      min: 0,
      max: channels,
      splitNumber: 4,
      axisLabel: { ...AXIS.axisLabel, showMaxLabel: false },
      name: 'output channel',
      nameLocation: 'middle',
      nameGap: 20,
      splitLine: { show: false },
      axisLine: { onZero: false, lineStyle: { color: COLORS.line } },
    },
    yAxis: {
      ...AXIS,
      type: 'value',
      splitNumber: 3,
      axisLabel: { ...AXIS.axisLabel, formatter: significant },
    },
    series: [
      { ...edge, data: tops },
      { ...edge, data: bottoms },
    ],
  };
}
