import { createHash } from 'node:crypto';
import { onnx } from 'onnx-proto';
import { Calibr8Error } from '../../lib/errors';
import type { Graph, Value } from '../../lib/graph/graph';
import { sorted } from '../../lib/graph/order';
import { readModel, type ReadModelOptions } from '../../lib/onnx';

/** A graph as plain data for comparing: everything that a file keeps. */
export function summary(graph: Graph): unknown {
  const value = (v: Value | undefined): unknown =>
    v && [v.name, v.constant && [v.dtype, v.shape, digest(v.constant.bytes)]];
  return {
    name: graph.name,
    opset: graph.opset,
    domains: [...graph.domains],
    metadata: [...graph.metadata],
    inputs: graph.inputs.map((v) => [v.name, v.dtype, v.shape]),
    outputs: graph.outputs.map((v) => [v.name, v.dtype, v.shape]),
    nodes: sorted(graph).map((node) => ({
      op: node.op,
      domain: node.domain,
      name: node.name,
      inputs: node.inputs.map(value),
      outputs: node.outputs.map((v) => v?.name),
      attributes: [...node.attributes.entries()],
    })),
  };
}

/** Comparing megabytes with toEqual takes seconds. */
function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A tensor's declaration as a graph input or output. */
export function valueInfo(
  name: string,
  dims: readonly (number | string | null)[] = [1, 4],
  elemType = 1,
): onnx.IValueInfoProto {
  const dim = dims.map((d) => (d === null ? {} : typeof d === 'string' ? { dimParam: d } : { dimValue: d }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

/** A float32 tensor with raw data, all ones. */
export function floats(name: string, dims: readonly number[]): onnx.ITensorProto {
  const data = new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(1);
  return { name, dims: [...dims], dataType: 1, rawData: new Uint8Array(data.buffer) };
}

/** y = Relu(x + w), with parts replaced. */
export function model(graph: onnx.IGraphProto = {}, parts: onnx.IModelProto = {}): onnx.IModelProto {
  return {
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    ...parts,
    graph: {
      name: 'test',
      input: [valueInfo('x')],
      output: [valueInfo('y')],
      initializer: [floats('w', [4])],
      node: [
        { opType: 'Add', name: 'add', input: ['x', 'w'], output: ['sum'] },
        { opType: 'Relu', name: 'relu', input: ['sum'], output: ['y'] },
      ],
      ...graph,
    },
  };
}

/** Serialized. */
export function encode(message: onnx.IModelProto): Uint8Array {
  return onnx.ModelProto.encode(message).finish();
}

/** The error of reading what cannot be read. */
export async function failure(
  source: string | Uint8Array,
  options?: ReadModelOptions,
): Promise<Calibr8Error> {
  const error = await readModel(source, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Calibr8Error);
  return error as Calibr8Error;
}
