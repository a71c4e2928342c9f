import { Calibr8Error, describe } from '../errors';
import { DATA_TYPES, isDataType, type DataType, type TypedArray } from '../graph/data-type';
import type { Graph, Value } from '../graph/graph';
import { formatShape } from '../ops/support/shapes';
import { Tensor } from '../tensor';

/** What a feed needs to be: our Tensor, or one of onnxruntime-common with the same fields. */
export interface TensorLike {
  readonly type: string;
  readonly data: unknown;
  readonly dims: readonly number[];
}

/** Checks feeds against the graph's inputs and puts them in its order. Throws INVALID_FEED naming the feed. */
export function checkFeeds(graph: Graph, feeds: unknown): Tensor[] {
  const names = graph.inputs.map((value) => value.name);
  if (typeof feeds !== 'object' || feeds === null || feeds instanceof Tensor || Array.isArray(feeds)) {
    throw new Calibr8Error(
      'INVALID_FEED',
      `Expected an object from input name to Tensor (${names.join(', ')}) but received ${describe(feeds)}.`,
    );
  }
  const given = feeds as Record<string, unknown>;
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) {
      throw new Calibr8Error(
        'INVALID_FEED',
        `The model has no input named "${name}". Its inputs: ${names.join(', ')}.`,
      );
    }
  }
  const symbols = new Map<string, { size: number; by: string }>();
  return graph.inputs.map((value) => checkFeed(value, given[value.name], symbols));
}

function checkFeed(value: Value, feed: unknown, symbols: Map<string, { size: number; by: string }>): Tensor {
  const wanted = `a ${value.dtype} Tensor of shape ${formatShape(value.shape)}`;
  if (feed === undefined)
    throw new Calibr8Error('INVALID_FEED', `Expected ${wanted} for input "${value.name}" but it is missing.`);
  const tensor = toTensor(feed);
  if (!tensor)
    throw new Calibr8Error(
      'INVALID_FEED',
      `Expected ${wanted} for input "${value.name}" but received ${describe(feed)}.`,
    );
  const received = `a ${tensor.type} Tensor of shape [${tensor.dims.join(', ')}]`;
  const mismatch = (why: string): Calibr8Error =>
    new Calibr8Error(
      'INVALID_FEED',
      `Expected ${wanted} for input "${value.name}" but received ${received}${why}.`,
    );
  if (tensor.type !== value.dtype) throw mismatch('');
  const { shape } = value;
  if (!shape) return tensor;
  if (shape.length !== tensor.dims.length) throw mismatch('');
  shape.forEach((dim, axis) => {
    const size = tensor.dims[axis]!;
    if (typeof dim === 'number' && dim !== size) throw mismatch('');
    if (typeof dim !== 'string') return;
    const seen = symbols.get(dim);
    if (seen && seen.size !== size) throw mismatch(`: "${dim}" is ${seen.size} in input "${seen.by}"`);
    symbols.set(dim, { size, by: value.name });
  });
  return tensor;
}

function toTensor(feed: unknown): Tensor | undefined {
  if (feed instanceof Tensor) return feed;
  if (typeof feed !== 'object' || feed === null) return undefined;
  const { type, data, dims } = feed as Partial<TensorLike>;
  if (typeof type !== 'string' || !isDataType(type) || !Array.isArray(dims)) return undefined;
  if (!(data instanceof DATA_TYPES[type].array)) return undefined;
  return new Tensor<DataType>(type, data as never, dims);
}

/** A view of an array's bytes. */
export function bytesOf(data: TypedArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
