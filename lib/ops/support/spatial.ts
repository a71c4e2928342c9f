import type { Dim, Node, Shape } from '../../graph/graph';
import type { Window } from '../definition';
import { shapeError } from './shapes';

// Window arithmetic shared by convolutions and pooling.

/** Output size of each spatial axis, and the pads; pads are undefined where SAME padding of an unknown size decides. */
export interface Windowed {
  spatial: Dim[];
  window: Window | undefined;
}

/** The attribute `pads` for `rank` spatial axes: their begins, then their ends; default none. */
export function readPads(node: Node, rank: number): readonly number[] {
  const pads = node.attributes.ints('pads') ?? new Array<number>(2 * rank).fill(0);
  if (pads.length !== 2 * rank || pads.some((pad) => pad < 0))
    throw shapeError(node, `expected ${2 * rank} pads of 0 or more but received [${pads.join(', ')}].`);
  return pads;
}

/**
 * Resolves strides, dilations, pads, auto_pad and ceil_mode as ONNX defines them.
 * @param shape the data's shape, [N, C, spatial...]
 */
export function resolveWindow(node: Node, shape: Shape, kernel: readonly number[]): Windowed {
  const rank = shape.length - 2;
  if (kernel.length !== rank) {
    throw shapeError(
      node,
      `expected a kernel of ${rank} dimensions for data of ${shape.length} but received [${kernel.join(', ')}].`,
    );
  }
  const { attributes } = node;
  const list = (name: string, fallback: number, least: number): readonly number[] => {
    const values = attributes.ints(name) ?? kernel.map(() => fallback);
    if (values.length !== rank || values.some((value) => value < least)) {
      throw shapeError(
        node,
        `expected ${name} to be ${rank} numbers of ${least} or more but received [${values.join(', ')}].`,
      );
    }
    return values;
  };
  const strides = list('strides', 1, 1);
  const dilations = list('dilations', 1, 1);
  const autoPad = attributes.string('auto_pad', 'NOTSET');
  const pads = readPads(node, rank);
  const ceil = attributes.int('ceil_mode', 0) !== 0;
  const spatial: Dim[] = [];
  const padsBegin: number[] = [];
  const padsEnd: number[] = [];
  let known = true;
  for (let axis = 0; axis < rank; ++axis) {
    const size = shape[axis + 2]!;
    const extent = dilations[axis]! * (kernel[axis]! - 1) + 1;
    const [begin, end] = padding(autoPad, size, extent, strides[axis]!, pads[axis]!, pads[axis + rank]!);
    if (begin === undefined || end === undefined) {
      known = false;
      spatial.push(null);
      continue;
    }
    padsBegin.push(begin);
    padsEnd.push(end);
    spatial.push(outputSize(node, size, extent, strides[axis]!, begin, end, ceil && autoPad === 'NOTSET'));
  }
  return { spatial, window: known ? { kernel, strides, dilations, padsBegin, padsEnd } : undefined };
}

function padding(
  mode: string,
  size: Dim,
  extent: number,
  stride: number,
  begin: number,
  end: number,
): [number?, number?] {
  if (mode === 'NOTSET') return [begin, end];
  if (mode === 'VALID') return [0, 0];
  if (typeof size !== 'number') return stride === 1 ? split(mode, extent - 1) : [];
  return split(mode, Math.max(0, (Math.ceil(size / stride) - 1) * stride + extent - size));
}

function split(mode: string, total: number): [number, number] {
  const less = Math.floor(total / 2);
  return mode === 'SAME_LOWER' ? [total - less, less] : [less, total - less];
}

function outputSize(
  node: Node,
  size: Dim,
  extent: number,
  stride: number,
  begin: number,
  end: number,
  ceil: boolean,
): Dim {
  const slack = begin + end - extent;
  if (typeof size !== 'number') return stride === 1 && slack === -1 ? size : null;
  const steps = (size + slack) / stride;
  if (steps < 0) {
    throw shapeError(
      node,
      `its window of ${extent} does not fit into ${size} elements padded by ${begin} and ${end}.`,
    );
  }
  let count = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
  // A last window that starts in the end padding is dropped.
  if (ceil && (count - 1) * stride >= size + begin) --count;
  return count;
}

/** Pads at the end so that windows of ceil_mode that reach beyond the padding are inside it. */
export function coverLastWindow(
  window: Window,
  sizes: readonly number[],
  outputs: readonly number[],
): Window {
  const padsEnd = window.padsEnd.map((end, axis) => {
    const extent = window.dilations[axis]! * (window.kernel[axis]! - 1) + 1;
    const reach = (outputs[axis]! - 1) * window.strides[axis]! + extent;
    return Math.max(end, reach - sizes[axis]! - window.padsBegin[axis]!);
  });
  return { ...window, padsEnd };
}

/** The window as parameters of a step. */
export function windowParams(window: Window): Record<string, { i64s: readonly number[] }> {
  return {
    strides: { i64s: window.strides },
    dilations: { i64s: window.dilations },
    padsBegin: { i64s: window.padsBegin },
    padsEnd: { i64s: window.padsEnd },
  };
}
