import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import { Tensor } from '../../lib/index';
import { Constant } from '../../lib/graph/constant';
import type { DataType } from '../../lib/graph/data-type';
import { readDataType, readTensor } from '../../lib/onnx/read-tensor';

/** Relative and absolute tolerance, as numpy's allclose takes them. */
export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

/** One case of ONNX's backend test suite, or a whole light network. */
export interface ConformanceCase {
  readonly name: string;
  readonly model: string;
  readonly tolerance: Tolerance;
  /** Inputs in the graph's order and wanted outputs, for each data set of the case. Called when the case runs. */
  load(inputShape: readonly (number | string)[]): { inputs: Tensor[]; outputs: Tensor[] }[];
}

/** What the backend test suite allows where a case says nothing. */
const DEFAULT: Tolerance = { relative: 1e-3, absolute: 1e-7 };

/** Every case in the folder that /node, /pytorch and /light lie in. */
export function findCases(folder: string): ConformanceCase[] {
  return [...suite(folder, 'node'), ...suite(folder, 'pytorch'), ...light(join(folder, 'light'))];
}

function suite(folder: string, group: string): ConformanceCase[] {
  const root = join(folder, group);
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .sort()
    .filter((name) => existsSync(join(root, name, 'model.onnx')))
    .map((name) => ({
      name: `${group}/${name}`,
      model: join(root, name, 'model.onnx'),
      tolerance: toleranceOf(join(root, name, 'tol')),
      load: () =>
        readdirSync(join(root, name))
          .filter((entry) => entry.startsWith('test_data_set_'))
          .map((entry) => ({
            inputs: numbered(join(root, name, entry), 'input'),
            outputs: numbered(join(root, name, entry), 'output'),
          })),
    }));
}

/** Each has one input, whose element i of n is i / n. */
function light(root: string): ConformanceCase[] {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .filter((entry) => entry.endsWith('.onnx'))
    .sort()
    .map((entry) => ({
      name: `light/${entry.slice(0, -'.onnx'.length)}`,
      model: join(root, entry),
      tolerance: DEFAULT,
      load: (shape) => {
        const dims = shape.map((dim) => (typeof dim === 'number' ? dim : 1));
        const count = dims.reduce((a, b) => a * b, 1);
        const data = Float32Array.from({ length: count }, (_, i) => i / count);
        const wanted = readTensorFile(join(root, entry.replace('.onnx', '_output_0.pb')));
        return [{ inputs: [new Tensor('float32', data, dims)], outputs: [wanted] }];
      },
    }));
}

function toleranceOf(path: string): Tolerance {
  if (!existsSync(path)) return DEFAULT;
  const [relative, absolute] = readFileSync(path, 'utf8').trim().split(/\s+/).map(Number);
  return { relative: relative ?? DEFAULT.relative, absolute: absolute ?? DEFAULT.absolute };
}

function numbered(folder: string, kind: string): Tensor[] {
  const tensors: Tensor[] = [];
  for (let k = 0; existsSync(join(folder, `${kind}_${k}.pb`)); ++k)
    tensors.push(readTensorFile(join(folder, `${kind}_${k}.pb`)));
  return tensors;
}

function readTensorFile(path: string): Tensor {
  const proto = onnx.TensorProto.decode(readFileSync(path));
  const dtype = readDataType(proto, path);
  if (!dtype) throw new UnreadableTensor(`a tensor of ONNX type ${proto.dataType}`);
  const { dims, array }: Constant = readTensor(proto, dtype, path, new Map());
  return new Tensor<DataType>(dtype, array as never, dims);
}

/** The case is about an element type that calibr8 has no word for. */
export class UnreadableTensor extends Error {}
