import type { Window } from '../ops/definition';
import type { Tensor } from '../tensor';

/**
 * What a weighted layer multiplies with its weights, as a matrix: one row a sampled position of the output. In steps of the
 * input's scale, so that no range of activations, however wide or narrow, leaves float32 when it is squared.
 */
export interface Patches {
  /** Number of rows. */
  readonly count: number;
  /** Products a row and group: input channels of the group times the kernel's size. */
  readonly columns: number;
  readonly groups: number;
  /** Shape [groups, count, columns]. */
  readonly matrix: Float32Array;
}

/** How a layer reads its input. */
export interface Geometry {
  /** The window over data of the given dims, which automatic padding depends on; undefined for a matrix product. */
  readonly window: ((dims: readonly number[]) => Window) | undefined;
  readonly groups: number;
}

/**
 * Gathers patches at positions that are spread over all samples, evenly but for a seeded jitter.
 * @param inputs a quantized tensor a sample, [N, C, ...spatial] or, for a matrix product, whose rows are the positions, [..., K]
 * @param limit greatest number of patches
 */
export function gatherPatches(
  inputs: readonly Tensor[],
  zeroPoint: number,
  { window, groups }: Geometry,
  limit: number,
): Patches {
  const { dims } = inputs[0]!;
  const channels = window ? dims[1]! : dims[dims.length - 1]!;
  const perGroup = channels / groups;
  const grids = inputs.map((tensor) => window && gridOf(window(tensor.dims), tensor.dims));
  const taps = grids[0] ? product(grids[0].window.kernel) : 1;
  const columns = perGroup * taps;
  const positions = samplePositions(
    inputs.map((tensor, sample) => {
      const grid = grids[sample];
      return grid ? tensor.dims[0]! * product(grid.positions) : tensor.size / channels;
    }),
    limit,
  );
  const count = positions.length;
  const matrix = new Float32Array(groups * count * columns);
  const offsets = new Int32Array(taps);
  positions.forEach(({ sample, index }, row) => {
    const stored = inputs[sample]!.data as Uint8Array | Int8Array;
    const grid = grids[sample];
    const plane = grid ? product(grid.size) : 1;
    const inner = grid ? product(grid.positions) : 1;
    const first = Math.floor(index / inner) * channels;
    if (grid) tapOffsets(grid, index % inner, offsets);
    for (let group = 0; group < groups; ++group) {
      let target = (group * count + row) * columns;
      for (let channel = 0; channel < perGroup; ++channel) {
        const base = (first + group * perGroup + channel) * plane;
        for (let tap = 0; tap < taps; ++tap) {
          const offset = offsets[tap]!;
          matrix[target++] = offset < 0 ? 0 : stored[base + offset]! - zeroPoint;
        }
      }
    }
  });
  return { count, columns, groups, matrix };
}

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** Where a window stops on one sample's planes. */
interface Grid {
  readonly window: Window;
  /** Of a plane, an entry a spatial axis. */
  readonly size: readonly number[];
  /** How often it stops along each axis: the output's size. */
  readonly positions: readonly number[];
}

function gridOf(window: Window, dims: readonly number[]): Grid {
  const size = dims.slice(2);
  const positions = size.map((length, axis) => {
    const extent = window.dilations[axis]! * (window.kernel[axis]! - 1) + 1;
    const padded = length + window.padsBegin[axis]! + window.padsEnd[axis]!;
    return Math.floor((padded - extent) / window.strides[axis]!) + 1;
  });
  return { window, size, positions };
}

/** Where each tap of the kernel reads inside a plane at a position of the output; -1 in the padding. */
function tapOffsets({ window, size, positions }: Grid, at: number, offsets: Int32Array): void {
  const rank = size.length;
  const start: number[] = new Array(rank);
  for (let axis = rank - 1, rest = at; axis >= 0; --axis) {
    start[axis] = (rest % positions[axis]!) * window.strides[axis]! - window.padsBegin[axis]!;
    rest = Math.floor(rest / positions[axis]!);
  }
  for (let t = 0; t < offsets.length; ++t) {
    let offset = 0;
    let stride = 1;
    let rest = t;
    for (let axis = rank - 1; axis >= 0; --axis) {
      const position = start[axis]! + (rest % window.kernel[axis]!) * window.dilations[axis]!;
      rest = Math.floor(rest / window.kernel[axis]!);
      if (position < 0 || position >= size[axis]!) offset = -1;
      else if (offset >= 0) offset += position * stride;
      stride *= size[axis]!;
    }
    offsets[t] = offset;
  }
}

interface Position {
  readonly sample: number;
  /** Of the output, over images and spatial positions. */
  readonly index: number;
}

/** At most `limit` of all positions: one in each of `limit` equal parts, at a place that depends on nothing but the counts. */
function samplePositions(counts: readonly number[], limit: number): Position[] {
  const total = counts.reduce((a, b) => a + b, 0);
  const positions: Position[] = [];
  if (total <= limit) {
    counts.forEach((count, sample) => {
      for (let index = 0; index < count; ++index) positions.push({ sample, index });
    });
    return positions;
  }
  const random = generator(total);
  const step = total / limit;
  let sample = 0;
  let before = 0;
  for (let i = 0; i < limit; ++i) {
    const at = Math.min(total - 1, Math.floor((i + random()) * step));
    while (at >= before + counts[sample]!) before += counts[sample++]!;
    positions.push({ sample, index: at - before });
  }
  return positions;
}

/** mulberry32: uniform in [0, 1), the same on every machine. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
