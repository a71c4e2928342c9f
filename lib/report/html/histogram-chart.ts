import type { EChartsOption } from 'echarts';
import type { TensorComparison } from '../comparison';
import { fixed, significant } from '../numbers';
import { AXIS, chart, COLORS } from './chart';
import type { Markup } from './markup';

const WIDTH = 340;
const ROW = 15;
const PLOT = 92;
/** Share of the axis left free on each side, so that marks at its ends are seen. */
const MARGIN = 0.02;

/** The histogram of a tensor's FP32 values above the ranges that the file and each calibration algorithm give it. */
export function histogramChart(tensor: TensorComparison): Markup {
  const ranges = rangesOf(tensor);
  const height = PLOT + 34 + ranges.length * ROW;
  const { low, high } = tensor.histogram;
  return chart(option(tensor, ranges), {
    width: WIDTH,
    height,
    title: `Histogram of ${tensor.name}, values from ${significant(low)} to ${significant(high)}; range in the file ${significant(tensor.range[0])} to ${significant(tensor.range[1])}`,
  });
}

interface Range {
  readonly label: string;
  readonly low: number;
  readonly high: number;
  readonly color: string;
}

function rangesOf({ equalized, range, rangeSqnrDb, observers }: TensorComparison): Range[] {
  const label = (name: string, sqnrDb: number | undefined): string =>
    sqnrDb === undefined ? name : `${name} ${fixed(sqnrDb, 1)} dB`;
  // Where channels are carried at other sizes, one range in FP32's unit would be wrong for all of them.
  const file = equalized
    ? []
    : [{ label: label('in the file', rangeSqnrDb), low: range[0], high: range[1], color: COLORS.own }];
  return [
    ...file,
    ...observers.map(({ observer, low, high, sqnrDb }) => ({
      label: label(observer, sqnrDb),
      low,
      high,
      color: COLORS.muted,
    })),
  ];
}

function option({ histogram }: TensorComparison, ranges: readonly Range[]): EChartsOption {
  const { low, high, counts } = histogram;
  const width = (high - low) / counts.length;
  const least = Math.min(low, ...ranges.map((range) => range.low));
  const most = Math.max(high, ...ranges.map((range) => range.high));
  const margin = MARGIN * (most - least);
  const round = (value: number): number => Number(value.toPrecision(4));
  // Activations pile up at zero: only a logarithm shows the tails that clipping is about.
  const points = counts.map((count, bin) => [round(low + bin * width), round(Math.log10(1 + count))]);
  const [file] = ranges;
  const common = { left: 112, right: 12 };
  const x = { ...AXIS, type: 'value', min: least - margin, max: most + margin } as const;
  return {
    grid: [
      { ...common, top: 6, height: PLOT },
      { ...common, top: PLOT + 12, height: ranges.length * ROW },
    ],
    xAxis: [
      { ...x, axisLabel: { show: false }, splitLine: { show: false } },
      {
        ...x,
        gridIndex: 1,
        splitNumber: 4,
        splitLine: { show: false },
        axisLabel: {
          ...AXIS.axisLabel,
          formatter: significant,
          hideOverlap: true,
          showMinLabel: false,
          showMaxLabel: false,
        },
      },
    ],
    yAxis: [
      {
        type: 'value',
        min: 0,
        axisLabel: { show: false },
        axisTick: { show: false },
        splitLine: { show: false },
        axisLine: { show: false },
      },
      {
        type: 'category',
        gridIndex: 1,
        inverse: true,
        data: ranges.map(({ label }) => label),
        axisLine: { show: false },
        axisTick: { show: false },
        axisLabel: { color: COLORS.text, fontSize: 10.5, interval: 0 },
      },
    ],
    series: [
      {
        type: 'line',
        step: 'end',
        symbol: 'none',
        lineStyle: { width: 1, color: COLORS.total },
        areaStyle: { color: COLORS.fill, opacity: 1 },
        data: [...points, [high, 0]],
        ...(file?.color === COLORS.own && {
          markLine: {
            symbol: 'none',
            silent: true,
            label: { show: false },
            lineStyle: { color: COLORS.own, type: 'solid', width: 1.5 },
            data: [{ xAxis: round(file.low) }, { xAxis: round(file.high) }],
          },
        }),
      },
      ...ranges.map(({ label, low: from, high: to, color }) => ({
        type: 'line' as const,
        xAxisIndex: 1,
        yAxisIndex: 1,
        symbol: 'rect',
        symbolSize: [2, 8],
        itemStyle: { color },
        lineStyle: { color, width: 3 },
        data: [
          [round(from), label],
          [round(to), label],
        ],
      })),
    ],
  };
}
