import { count, dense, indices, type Dense } from './dense';

/** Strides, dilations and pads of a convolution or pooling; absent ones are 1, 1 and 0. */
export interface WindowSpec {
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  /** Begins of all axes, then ends. */
  readonly pads?: readonly number[];
  readonly ceil?: boolean;
}

/** For each output position and each tap of the window, where it reads in one channel's plane. */
interface Windows {
  readonly spatial: number[];
  readonly taps: number;
  /** Flat source positions, -1 in the padding, -2 beyond it (in the last window of ceil_mode). */
  readonly sources: Int32Array;
}

function windows(sizes: readonly number[], kernel: readonly number[], spec: WindowSpec): Windows {
  const rank = sizes.length;
  const strides = spec.strides ?? kernel.map(() => 1);
  const dilations = spec.dilations ?? kernel.map(() => 1);
  const pads = spec.pads ?? new Array<number>(2 * rank).fill(0);
  const spatial = sizes.map((size, axis) => {
    const extent = dilations[axis]! * (kernel[axis]! - 1) + 1;
    const steps = (size + pads[axis]! + pads[axis + rank]! - extent) / strides[axis]!;
    if (!spec.ceil) return Math.floor(steps) + 1;
    const outputs = Math.ceil(steps) + 1;
    return (outputs - 1) * strides[axis]! >= size + pads[axis]! ? outputs - 1 : outputs;
  });
  const taps = count(kernel);
  const sources = new Int32Array(count(spatial) * taps);
  let next = 0;
  for (const position of indices(spatial)) {
    for (const tap of indices(kernel)) {
      let source = 0;
      for (let axis = 0; axis < rank; ++axis) {
        const at = position[axis]! * strides[axis]! + tap[axis]! * dilations[axis]! - pads[axis]!;
        if (at >= sizes[axis]! + pads[axis + rank]!) source = -2;
        else if ((at < 0 || at >= sizes[axis]!) && source !== -2) source = -1;
        else if (source >= 0) source = source * sizes[axis]! + at;
      }
      sources[next++] = source;
    }
  }
  return { spatial, taps, sources };
}

/** ONNX Conv in any number of spatial axes. */
export function conv(
  x: Dense,
  w: Dense,
  bias: ArrayLike<number> | undefined,
  spec: WindowSpec & { groups?: number } = {},
): Dense {
  const [batch, channels, ...sizes] = x.dims as [number, number, ...number[]];
  const [filters, perGroup, ...kernel] = w.dims as [number, number, ...number[]];
  const groups = spec.groups ?? 1;
  if (channels !== perGroup * groups)
    throw new Error(`${channels} channels for ${groups} groups of ${perGroup}.`);
  const { spatial, taps, sources } = windows(sizes, kernel, spec);
  const plane = count(sizes);
  const area = count(spatial);
  const result = dense([batch, filters, ...spatial]);
  let out = 0;
  for (let n = 0; n < batch; ++n) {
    for (let o = 0; o < filters; ++o) {
      const first = Math.floor(o / (filters / groups)) * perGroup;
      for (let p = 0; p < area; ++p) {
        let sum = bias?.[o] ?? 0;
        for (let t = 0; t < taps; ++t) {
          const source = sources[p * taps + t]!;
          if (source < 0) continue;
          for (let c = 0; c < perGroup; ++c)
            sum +=
              x.data[(n * channels + first + c) * plane + source]! * w.data[(o * perGroup + c) * taps + t]!;
        }
        result.data[out++] = sum;
      }
    }
  }
  return result;
}

export type Pooling = 'max' | 'average' | 'averageWithPadding';

/** ONNX MaxPool and AveragePool. What lies beyond the padding never counts. */
export function pool(x: Dense, kind: Pooling, kernel: readonly number[], spec: WindowSpec = {}): Dense {
  const [batch, channels, ...sizes] = x.dims as [number, number, ...number[]];
  const { spatial, taps, sources } = windows(sizes, kernel, spec);
  const plane = count(sizes);
  const area = count(spatial);
  const result = dense([batch, channels, ...spatial]);
  for (let nc = 0; nc < batch * channels; ++nc) {
    for (let p = 0; p < area; ++p) {
      let [sum, most, counted] = [0, -Infinity, 0];
      for (const source of sources.subarray(p * taps, (p + 1) * taps)) {
        if (source >= 0) {
          const element = x.data[nc * plane + source]!;
          sum += element;
          most = Math.max(most, element);
        }
        if (source >= 0 || (source === -1 && kind === 'averageWithPadding')) ++counted;
      }
      result.data[nc * area + p] = kind === 'max' ? most : sum / counted;
    }
  }
  return result;
}

/** Average over all spatial axes, which become 1. */
export function globalAverage(x: Dense): Dense {
  return pool(x, 'average', x.dims.slice(2));
}
