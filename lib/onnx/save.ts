import { basename, resolve } from 'node:path';
import { expected } from '../errors';
import type { Constant } from '../graph/constant';
import type { Graph } from '../graph/graph';
import { initializersOf, type Placement } from './encode-graph';
import { replaceFiles, type Piece } from './replace-files';
import { encodeModel, exceedsProtobuf, writeModel } from './write';

/** Options of `saveModel`. */
export interface SaveModelOptions {
  /**
   * Whether weights go to a file `<model>.data` beside the model: those of at least `threshold` bytes (1024 unless told).
   * Without this option only where the model would not fit in 2 GiB otherwise.
   */
  externalData?: boolean | { threshold?: number };
}

/** ONNX recommends whole pages, so that readers can map the file into memory. */
const ALIGNMENT = 4096;
const DEFAULT_THRESHOLD = 1024;

/**
 * Writes the graph as an ONNX file, and its weights to `<model>.data` where asked or needed. A file that stands there is
 * replaced only by a whole one; on failure it stays, and no temporary file does.
 */
export async function saveModel(graph: Graph, path: string, options: SaveModelOptions = {}): Promise<void> {
  if (typeof path !== 'string' || path === '') throw expected('a path', 'the model to save', path);
  const threshold = thresholdOf(options.externalData, graph);
  const target = resolve(path);
  if (threshold === undefined) {
    await replaceFiles([{ path: target, pieces: [{ position: 0, bytes: writeModel(graph) }] }]);
    return;
  }
  const data = new DataFile(`${basename(target)}.data`);
  for (const { constant } of initializersOf(graph)) {
    if (constant!.bytes.byteLength >= threshold) data.add(constant!);
  }
  const model = encodeModel(graph, (constant) => data.placements.get(constant));
  await replaceFiles([
    ...(data.pieces.length > 0 ? [{ path: `${target}.data`, pieces: data.pieces }] : []),
    { path: target, pieces: [{ position: 0, bytes: model }] },
  ]);
}

/** The size from which weights go to the data file; undefined keeps all in the model. */
function thresholdOf(option: SaveModelOptions['externalData'], graph: Graph): number | undefined {
  if (option === undefined) return exceedsProtobuf(graph) ? DEFAULT_THRESHOLD : undefined;
  if (typeof option === 'boolean') return option ? DEFAULT_THRESHOLD : undefined;
  if (typeof option !== 'object' || option === null)
    throw expected('a boolean or { threshold }', 'options.externalData', option);
  const { threshold = DEFAULT_THRESHOLD } = option;
  if (!Number.isSafeInteger(threshold) || threshold < 0)
    throw expected('a number of bytes', 'options.externalData.threshold', threshold);
  return threshold;
}

/** Lays out the data file; a constant that several values share is stored once. */
class DataFile {
  readonly pieces: Piece[] = [];
  readonly placements = new Map<Constant, Placement>();
  #end = 0;

  constructor(readonly location: string) {}

  add(constant: Constant): void {
    const { bytes } = constant;
    // Nothing to store, and an offset at the file's end would confuse readers.
    if (bytes.byteLength === 0 || this.placements.has(constant)) return;
    const offset = Math.ceil(this.#end / ALIGNMENT) * ALIGNMENT;
    this.pieces.push({ position: offset, bytes });
    this.placements.set(constant, { location: this.location, offset });
    this.#end = offset + bytes.byteLength;
  }
}
