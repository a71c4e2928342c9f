import { Calibr8Error } from '../errors';
import type { Tensor } from '../tensor';

/** The output that a network is judged by. */
export function judgedOutput(names: readonly string[], wanted: string | undefined): string {
  if (wanted === undefined && names.length === 1) return names[0]!;
  if (wanted !== undefined && names.includes(wanted)) return wanted;
  const received = wanted === undefined ? `the network has ${names.length}` : `received "${wanted}"`;
  throw new Calibr8Error(
    'INVALID_ARGUMENT',
    `Expected the name of the output to judge the network by, one of ${names.join(', ')}, but ${received}. Name it with logits.`,
  );
}

/** The numbers of each sample of a batch in an output; without `count` of all. */
export function rowsOf(tensor: Tensor, name: string, count?: number): Float32Array[] {
  const batch = tensor.dims[0] ?? 1;
  const { data } = tensor;
  if (tensor.type !== 'float32' || data.length === 0 || data.length % batch !== 0) {
    throw new Calibr8Error(
      'INVALID_ARGUMENT',
      `Expected float32 numbers for each sample in output "${name}" but it is ${tensor.type} [${tensor.dims.join(', ')}]. Name another output with logits.`,
    );
  }
  const size = data.length / batch;
  const rows = Array.from({ length: Math.min(count ?? batch, batch) }, (_, i) =>
    (data as Float32Array).subarray(i * size, (i + 1) * size),
  );
  if (!rows.every((row) => row.every(Number.isFinite))) {
    throw new Calibr8Error(
      'NON_FINITE_VALUE',
      `Expected finite numbers but output "${name}" holds NaN or Infinity. Check the samples' preprocessing and the FP32 model.`,
    );
  }
  return rows;
}
