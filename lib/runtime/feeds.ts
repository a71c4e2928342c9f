import { Calibr8Error, describe } from '../errors';
import { DATA_TYPES, isDataType, type DataType, type TypedArray } from '../graph/data-type';
import type { Graph, Value } from '../graph/graph';
import { formatShape } from '../ops/support/shapes';
import type { PlanValue } from '../plan/plan';
import { Tensor } from '../tensor';

/** What a feed needs to be: our Tensor, or one of onnxruntime-common with the same fields. */
export interface TensorLike {
  readonly type: string;
  readonly data: unknown;
  readonly dims: readonly number[];
}

/** Checks feeds against the graph's inputs and puts them in its order. Throws INVALID_FEED naming the feed. */
export function checkFeeds(graph: Graph, feeds: unknown): Tensor[] {
  const { inputs } = graph;
  if (typeof feeds !== 'object' || feeds === null || feeds instanceof Tensor || Array.isArray(feeds)) {
    throw new Calibr8Error(
      'INVALID_FEED',
      `Expected an object from input name to Tensor (${namesOf(graph)}) but received ${describe(feeds)}.`,
    );
  }
  const given = feeds as Record<string, unknown>;
  for (const name in given) {
    if (!inputs.some((value) => value.name === name)) {
      throw new Calibr8Error(
        'INVALID_FEED',
        `The model has no input named "${name}". Its inputs: ${namesOf(graph)}.`,
      );
    }
  }
  const symbols: Symbols = new Map();
  return inputs.map((value) => checkFeed(value, given[value.name], symbols));
}

/**
 * The data of feeds that are just what a program takes: a Tensor of the right type and shape for each of its inputs, and
 * nothing else. Undefined where anything differs: checkFeeds can say what, or convert it.
 */
export function matchFeeds(inputs: readonly PlanValue[], feeds: unknown): TypedArray[] | undefined {
  if (typeof feeds !== 'object' || feeds === null) return undefined;
  if (Object.keys(feeds).length !== inputs.length) return undefined;
  const data: TypedArray[] = [];
  for (const { name, dtype, dims } of inputs) {
    const tensor = (feeds as Record<string, unknown>)[name];
    if (!(tensor instanceof Tensor) || tensor.type !== dtype || !equal(tensor.dims, dims)) return undefined;
    data.push(tensor.data);
  }
  return data;
}

function equal(dims: readonly number[], others: readonly number[]): boolean {
  if (dims.length !== others.length) return false;
  for (let i = 0; i < dims.length; ++i) if (dims[i] !== others[i]) return false;
  return true;
}

/** Sizes that named dimensions have in this run, and the input that said so. */
type Symbols = Map<string, { size: number; by: string }>;

const namesOf = (graph: Graph): string => graph.inputs.map(({ name }) => name).join(', ');

// This is on the path of every run: texts are made only where there is an error to tell.
function checkFeed(value: Value, feed: unknown, symbols: Symbols): Tensor {
  const tensor = toTensor(feed);
  if (!tensor)
    throw wrongFeed(value, feed === undefined ? 'but it is missing' : `but received ${describe(feed)}`);
  if (tensor.type !== value.dtype) throw mismatch(value, tensor);
  const { shape } = value;
  if (!shape) return tensor;
  const { dims } = tensor;
  if (shape.length !== dims.length) throw mismatch(value, tensor);
  for (let axis = 0; axis < dims.length; ++axis) {
    const dim = shape[axis]!;
    const size = dims[axis]!;
    if (typeof dim === 'number') {
      if (dim !== size) throw mismatch(value, tensor);
    } else if (dim !== null) {
      const seen = symbols.get(dim);
      if (seen && seen.size !== size) {
        throw mismatch(value, tensor, `: "${dim}" is ${seen.size} in input "${seen.by}"`);
      }
      symbols.set(dim, { size, by: value.name });
    }
  }
  return tensor;
}

function mismatch(value: Value, tensor: Tensor, why = ''): Calibr8Error {
  return wrongFeed(
    value,
    `but received ${withArticle(tensor.type)} Tensor of shape [${tensor.dims.join(', ')}]${why}`,
  );
}

const withArticle = (type: string): string => `${type.startsWith('int') ? 'an' : 'a'} ${type}`;

function wrongFeed(value: Value, what: string): Calibr8Error {
  return new Calibr8Error(
    'INVALID_FEED',
    `Expected ${withArticle(String(value.dtype))} Tensor of shape ${formatShape(value.shape)} for input "${value.name}" ${what}.`,
  );
}

function toTensor(feed: unknown): Tensor | undefined {
  if (feed instanceof Tensor) return feed;
  if (typeof feed !== 'object' || feed === null) return undefined;
  const { type, data, dims } = feed as Partial<TensorLike>;
  if (typeof type !== 'string' || !isDataType(type) || !Array.isArray(dims)) return undefined;
  if (!(data instanceof DATA_TYPES[type].array)) return undefined;
  try {
    return new Tensor<DataType>(type, data as never, dims);
  } catch {
    return undefined; // no tensor at all: the caller says which feed
  }
}

/** A view of an array's bytes. */
export function bytesOf(data: TypedArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
