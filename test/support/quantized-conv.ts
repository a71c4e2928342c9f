import { Tensor } from '../../lib/index';
import { expectClose, expectLevels } from './compare';
import { ModelBuilder, type Grid } from './model';
import { Random } from './random';
import { count, dense, map, type Dense } from './reference/dense';
import { relu as reluOf } from './reference/elements';
import { integerLayer, levels, scalesOf } from './reference/quantization';
import { conv, type WindowSpec } from './reference/window';
import { runModel } from './run';

export interface QuantizedConvCase extends WindowSpec {
  x: readonly number[];
  w: readonly number[];
  groups?: number;
  xGrid?: Grid;
  /** The result's grid, or float32 where it stays real. */
  yGrid?: Grid | 'float32';
  bias?: boolean;
  relu?: boolean;
  /** One scale for all weights instead of one an output channel. */
  perTensor?: boolean;
  /** Stored numbers at the ends of their types only. */
  extreme?: boolean;
  /** Every second output channel has weights of zero. */
  zeroChannels?: boolean;
  seed?: number;
}

export const U8: Grid = { dtype: 'uint8', scale: 0.02, zero: 0 };

/** Stored numbers of a grid over its whole type. */
export function storedNumbers(random: Random, size: number, { dtype }: Grid, extreme = false): number[] {
  const [low, high] = dtype === 'uint8' ? [0, 255] : [-128, 127];
  return extreme
    ? Array.from({ length: size }, () => (random.next() < 0.2 ? low : high))
    : random.ints(size, low, high);
}

export function storedTensor(grid: Grid, data: readonly number[], dims: readonly number[]): Tensor {
  return new Tensor(grid.dtype, data, dims);
}

/** Weights of a layer with their grid and their bias, as a QDQ file has them. */
export interface StoredLayer {
  readonly w: Dense;
  readonly wGrid: Grid;
  /** In units of input scale times weight scale. */
  readonly bias: number[] | undefined;
}

export function storedLayer(random: Random, spec: QuantizedConvCase): StoredLayer {
  const filters = spec.w[0]!;
  const inner = count(spec.w.slice(1));
  const data = spec.extreme
    ? Array.from({ length: filters * inner }, (_, i) => (Math.floor(i / inner) % 2 ? 127 : -128))
    : random.ints(filters * inner, -127, 127);
  if (spec.zeroChannels) data.forEach((_, i) => Math.floor(i / inner) % 2 === 0 && (data[i] = 0));
  const scale = spec.perTensor
    ? 0.013
    : Array.from({ length: filters }, () => (spec.extreme ? 1 : 0.002 + random.next() * 0.02));
  return {
    w: dense(spec.w, data),
    wGrid: { dtype: 'int8', scale, zero: 0, ...(spec.perTensor ? {} : { axis: 0 }) },
    bias: spec.bias === false ? undefined : random.ints(filters, -20000, 20000),
  };
}

/** Appends the dequantized weights and bias to a model. */
export function layerInputs(model: ModelBuilder, { w, wGrid, bias }: StoredLayer, xGrid: Grid) {
  const weights = model.dequantize(model.constant(w.data, w.dims, 'int8'), wGrid);
  if (!bias) return [weights];
  const [xScale] = scalesOf(xGrid);
  const scales = scalesOf(wGrid).map((scale) => Math.fround(scale * xScale!));
  const grid: Grid =
    scales.length === 1
      ? { dtype: 'int32', scale: scales[0]!, zero: 0 }
      : { dtype: 'int32', scale: scales, zero: 0, axis: 0 };
  return [weights, model.dequantize(model.constant(bias, [bias.length], 'int32'), grid)];
}

/** The exact real result of a stored layer on stored data. */
export function exactConv(
  x: Dense,
  xGrid: Grid,
  layer: StoredLayer,
  spec: WindowSpec & { groups?: number },
): Dense {
  return integerLayer({
    x,
    xGrid,
    ...layer,
    channelAxis: 1,
    accumulate: (data, weights) => conv(data, weights, undefined, spec),
  });
}

export function convAttributes({ strides, dilations, pads, groups }: WindowSpec & { groups?: number }) {
  return {
    ...(strides && { strides }),
    ...(dilations && { dilations }),
    ...(pads && { pads }),
    ...(groups && { group: groups }),
  };
}

/** A grid that the middle of real results fills, so that few saturate and many levels occur. */
export function fittingGrid(real: Dense, dtype: 'uint8' | 'int8', zero: number): Grid {
  const magnitude = Math.sqrt(real.data.reduce((sum, x) => sum + x * x, 0) / real.data.length) || 1;
  return { dtype, scale: Math.fround((2.5 * magnitude) / 127), zero };
}

/** Runs DequantizeLinear -> Conv (-> Relu) -> QuantizeLinear of random stored numbers and compares it to exact arithmetic. */
export async function checkQuantizedConv(spec: QuantizedConvCase & { corrupt?: number }): Promise<void> {
  const xGrid = spec.xGrid ?? U8;
  const random = new Random(spec.seed ?? count(spec.x) + 7 * count(spec.w));
  const layer = storedLayer(random, spec);
  const data = storedNumbers(random, count(spec.x), xGrid, spec.extreme);
  const exact = exactConv(dense(spec.x, data), xGrid, layer, spec);
  const real = spec.relu ? reluOf(exact) : exact;
  const yGrid = spec.yGrid ?? fittingGrid(exact, 'uint8', 128);

  const model = new ModelBuilder();
  const x = model.dequantize(model.input('x', spec.x, xGrid.dtype), xGrid);
  let y = model.node('Conv', [x, ...layerInputs(model, layer, xGrid)], convAttributes(spec));
  if (spec.relu) y = model.node('Relu', [y]);
  if (yGrid === 'float32') model.output(y);
  else model.output(model.quantize(y, yGrid), yGrid.dtype);
  const [actual] = await runModel(model, { x: storedTensor(xGrid, data, spec.x) });
  if (yGrid === 'float32') expectClose(actual!, real);
  else
    expectLevels(
      actual!,
      map(levels(real, yGrid), (level) => level + (spec.corrupt ?? 0)),
    );
}
