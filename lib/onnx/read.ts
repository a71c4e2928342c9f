import { resolve } from 'node:path';
import type { onnx } from 'onnx-proto';
import { Calibr8Error, describe, expected } from '../errors';
import type { Graph } from '../graph/graph';
import { decodeModel } from './decode';
import { dataFolders, readExternalData } from './external-data';
import { fileKindHint } from './file-kind';
import { openFile, readRange } from './files';
import { normalizeDomain, readOpsets } from './opsets';
import { invalid, unsupported } from './proto';
import { readGraph } from './read-graph';

/** Options of `readModel`. */
export interface ReadModelOptions {
  /** The folder of external data files, for a model that is given as bytes. */
  baseDirectory?: string;
}

/** The largest message that protobuf allows. */
export const PROTOBUF_LIMIT = 2 ** 31 - 1;

/**
 * Reads an ONNX model from a path or from bytes. Large weights are not copied: they stay views into the file's buffer,
 * or into the given bytes, which must not be changed afterwards. Every failure is a Calibr8Error that names the file.
 */
export async function readModel(source: string | Uint8Array, options: ReadModelOptions = {}): Promise<Graph> {
  const { baseDirectory } = options;
  if (baseDirectory !== undefined && typeof baseDirectory !== 'string')
    throw expected('a path', 'options.baseDirectory', baseDirectory);
  if (source instanceof Uint8Array) {
    return naming('the model given as bytes', () =>
      parse(source, baseDirectory === undefined ? undefined : [resolve(baseDirectory)]),
    );
  }
  if (typeof source !== 'string' || source === '')
    throw expected('a path or a Uint8Array', 'the model', source);
  const folders = baseDirectory === undefined ? await dataFolders(resolve(source)) : [resolve(baseDirectory)];
  const bytes = await readFile(source);
  return naming(source, () => parse(bytes, folders));
}

async function readFile(path: string): Promise<Uint8Array> {
  const { handle, size } = await openFile(path);
  try {
    if (size > PROTOBUF_LIMIT) {
      throw invalid(
        `${path}: Expected at most 2 GiB, the limit of an ONNX file, but it has ${size} bytes. Save the model with external data.`,
      );
    }
    return await readRange(handle, path, 0, size);
  } finally {
    await handle.close();
  }
}

/** Puts the file's name before the message of every error about its content. */
async function naming<T>(name: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Calibr8Error)) throw error;
    throw new Calibr8Error(error.code, `${name}: ${error.message}`, { cause: error });
  }
}

async function parse(bytes: Uint8Array, folders: readonly string[] | undefined): Promise<Graph> {
  const model = decode(bytes);
  const opsets = readOpsets(model);
  checkFunctions(model);
  const graph = readGraph(model.graph!, opsets, await readExternalData(model.graph!, folders));
  for (const { key, value } of model.metadataProps ?? []) graph.metadata.set(key ?? '', value ?? '');
  return graph;
}

function decode(bytes: Uint8Array): onnx.IModelProto {
  if (bytes.byteLength === 0) throw invalid('Expected an ONNX model but the file is empty.');
  let model: onnx.IModelProto;
  try {
    model = decodeModel(bytes);
  } catch (cause) {
    throw new Calibr8Error(
      'INVALID_MODEL',
      `Expected an ONNX model but the ${bytes.byteLength} bytes are not one, or are truncated or damaged (${cause instanceof Error ? cause.message : String(cause)}).${fileKindHint(bytes)}`,
      { cause },
    );
  }
  if (!model.graph) {
    throw invalid(
      `Expected an ONNX model with a graph but the ${bytes.byteLength} bytes hold none; the file is not an ONNX model or is truncated.${fileKindHint(bytes)}`,
    );
  }
  return model;
}

/** Functions that nothing calls are harmless; a call cannot be run. */
function checkFunctions(model: onnx.IModelProto): void {
  const functions = new Set(
    (model.functions ?? []).map(({ domain, name }) => `${normalizeDomain(domain)} ${name}`),
  );
  if (functions.size === 0) return;
  for (const { domain, opType, name } of model.graph?.node ?? []) {
    if (functions.has(`${normalizeDomain(domain)} ${opType}`)) {
      throw unsupported(
        `${opType} node ${describe(name ?? '')} calls a function that the model defines, and calibr8 does not run model-local functions. Export the model with functions inlined (onnx.inliner does it).`,
      );
    }
  }
}
