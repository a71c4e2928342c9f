import { onnx } from 'onnx-proto';
import { version } from 'calibr8/package.json';
import { Calibr8Error } from '../errors';
import type { Graph } from '../graph/graph';
import { encodeGraph, initializersOf, type Place } from './encode-graph';
import { irVersionFor } from './opsets';
import { PROTOBUF_LIMIT } from './read';

/** Left of protobuf's limit for everything that is no weight: names, attributes, shapes. */
const HEADROOM = 2 ** 26;

/** True where the weights leave too little room for the rest of the model within protobuf's 2 GiB. */
export function exceedsProtobuf(graph: Graph): boolean {
  const bytes = initializersOf(graph).reduce((sum, { constant }) => sum + constant!.bytes.byteLength, 0);
  return bytes > PROTOBUF_LIMIT - HEADROOM;
}

/**
 * The graph as a serialized ONNX model; the same graph gives the same bytes. A model over 2 GiB does not fit: `saveModel`
 * writes that with its weights in a file of their own.
 */
export function writeModel(graph: Graph): Uint8Array {
  if (exceedsProtobuf(graph)) {
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `The weights of "${graph.name}" exceed the 2 GiB that an ONNX file may have; save the model with external data.`,
    );
  }
  return encodeModel(graph, () => undefined);
}

/** The serialized model, with the bytes of some constants elsewhere. protobufjs copies the others once, into the result. */
export function encodeModel(graph: Graph, place: Place): Uint8Array {
  const domains = new Set([...graph.nodes].map((node) => node.domain).filter((domain) => domain !== ''));
  return onnx.ModelProto.encode({
    irVersion: irVersionFor(graph.opset),
    producerName: 'calibr8',
    producerVersion: version,
    opsetImport: [
      { domain: '', version: graph.opset },
      ...[...domains].sort().map((domain) => ({ domain, version: graph.domains.get(domain) ?? 1 })),
    ],
    graph: encodeGraph(graph, place),
    metadataProps: [...graph.metadata].map(([key, value]) => ({ key, value })),
  }).finish();
}
