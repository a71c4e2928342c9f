import { writeFileSync } from 'node:fs';
import { Constant } from '../../lib/graph/constant';
import { Graph } from '../../lib/graph/graph';
import { writeModel } from '../../lib/onnx';

/** One convolution of 3 to 4 channels, 3x3, on images of 8x8 pixels; `metadata` as in the file. */
export function convolutionModel(file: string, metadata: Readonly<Record<string, string>> = {}): string {
  const graph = new Graph('test', 13);
  const input = graph.addValue('data', { dtype: 'float32', shape: ['N', 3, 8, 8] });
  const output = graph.addValue('logits', { dtype: 'float32', shape: ['N', 4, 6, 6] });
  const weights = graph.addConstant(
    'weights',
    Constant.float32([4, 3, 3, 3], new Float32Array(108).fill(0.5)),
  );
  graph.inputs.push(input);
  graph.addNode({ op: 'Conv', name: 'conv', inputs: [input, weights], outputs: [output] });
  graph.outputs.push(output);
  for (const [key, value] of Object.entries(metadata)) graph.metadata.set(key, value);
  writeFileSync(file, writeModel(graph));
  return file;
}

/** The same convolution with its input and weights quantized. */
export function quantizedModel(file: string, metadata: Readonly<Record<string, string>> = {}): string {
  const graph = new Graph('test', 13);
  const input = graph.addValue('data', { dtype: 'float32', shape: ['N', 3, 8, 8] });
  const output = graph.addValue('logits', { dtype: 'float32', shape: ['N', 4, 6, 6] });
  const scale = graph.addConstant('scale', Constant.float32([], [0.1]));
  const zero = graph.addConstant('zero', Constant.from('int8', [], new Int8Array(1)));
  const weights = graph.addConstant(
    'weights',
    Constant.from('int8', [4, 3, 3, 3], new Int8Array(108).fill(5)),
  );
  const quantized = graph.addValue('data_q', { dtype: 'int8', shape: ['N', 3, 8, 8] });
  const restored = graph.addValue('data_dq', { dtype: 'float32', shape: ['N', 3, 8, 8] });
  const real = graph.addValue('weights_dq', { dtype: 'float32', shape: [4, 3, 3, 3] });
  graph.inputs.push(input);
  graph.addNode({ op: 'QuantizeLinear', name: 'q', inputs: [input, scale, zero], outputs: [quantized] });
  graph.addNode({
    op: 'DequantizeLinear',
    name: 'dq',
    inputs: [quantized, scale, zero],
    outputs: [restored],
  });
  graph.addNode({ op: 'DequantizeLinear', name: 'w', inputs: [weights, scale, zero], outputs: [real] });
  graph.addNode({ op: 'Conv', name: 'conv', inputs: [restored, real], outputs: [output] });
  graph.outputs.push(output);
  for (const [key, value] of Object.entries(metadata)) graph.metadata.set(key, value);
  writeFileSync(file, writeModel(graph));
  return file;
}
