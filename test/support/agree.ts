import { InferenceSession as OnnxRuntime, Tensor as OrtTensor } from 'onnxruntime-node';
import type { DataType } from '../../lib/graph/data-type';
import { Tensor } from '../../lib/index';
import type { TensorMap } from '../../lib/runtime/session';
import type { ModelBuilder } from './model';
import type { Random } from './random';
import { runModel } from './run';

/**
 * Runs a model here and in onnxruntime-node, whose implementations are independent of calibr8's, and compares every output:
 * type, dims, and elements (integers exactly, real numbers within `tolerance` of the greatest magnitude, or of 1).
 */
export async function expectAgreement(
  model: ModelBuilder,
  feeds: TensorMap,
  tolerance = 1e-5,
): Promise<void> {
  const bytes = model.bytes();
  const peer = await OnnxRuntime.create(bytes, { logSeverityLevel: 4 });
  const theirFeeds = Object.entries(feeds).map(([name, { type, data, dims }]): [string, OrtTensor] => [
    name,
    new OrtTensor(type as 'float32', data as Float32Array, dims),
  ]);
  const theirs = await peer.run(Object.fromEntries(theirFeeds));
  await peer.release();
  const ours = await runModel(bytes, feeds);
  model.graph.outputs.forEach(({ name }, index) => {
    const wanted = theirs[name]!;
    const actual = ours[index]!;
    expect([actual.type, ...actual.dims]).toEqual([wanted.type, ...wanted.dims]);
    compare(actual, wanted.data as ArrayLike<number | bigint>, tolerance);
  });
}

function compare(actual: Tensor, wanted: ArrayLike<number | bigint>, tolerance: number): void {
  const real = actual.type.startsWith('float');
  const numbers = Array.from(wanted, Number);
  const magnitude = numbers.filter(Number.isFinite).reduce((most, x) => Math.max(most, Math.abs(x)), 1);
  numbers.forEach((w, i) => {
    const a = Number(actual.data[i]);
    const close = Object.is(a, w) || a === w || (real && Math.abs(a - w) <= tolerance * magnitude);
    if (!close)
      throw new Error(
        `Element ${i} of ${actual.type} [${actual.dims.join(', ')}]: received ${a}, onnxruntime has ${w}.`,
      );
  });
}

/** A tensor of random elements that suit the type: real numbers, small integers, booleans. */
export function randomTensor(
  random: Random,
  dtype: DataType,
  dims: readonly number[],
  low = -4,
  high = 4,
): Tensor {
  const size = dims.reduce((a, b) => a * b, 1);
  const least = dtype.startsWith('u') ? Math.max(low, 0) : low;
  const numbers = Array.from({ length: size }, () => least + random.next() * (high - least));
  if (dtype === 'bool') return new Tensor('bool', numbers.map((x) => Number(x > 0)) as never, dims);
  if (dtype.startsWith('float')) return new Tensor(dtype as 'float32', numbers as never, dims);
  const whole = numbers.map((x) => Math.round(x));
  const wide = dtype.endsWith('64');
  return new Tensor(dtype, (wide ? whole.map(BigInt) : whole) as never, dims);
}
