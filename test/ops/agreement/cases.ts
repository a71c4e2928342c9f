import type { DataType } from '../../../lib/graph/data-type';
import type { Tensor } from '../../../lib/index';
import { expectAgreement, randomTensor } from '../../support/agree';
import { ModelBuilder, type AttributeSpec } from '../../support/model';
import { Random } from '../../support/random';

/** A random graph input, between two bounds. */
export const fed = (dims: readonly number[], dtype: DataType = 'float32', low = -4, high = 4) =>
  ({ kind: 'fed', dims, dtype, low, high }) as const;

/** A constant of given elements. */
export const given = (
  data: readonly number[],
  dims: readonly number[] = [data.length],
  dtype: DataType = 'int64',
) => ({ kind: 'given', data, dims, dtype }) as const;

export const none = undefined;

/** One node to run here and in onnxruntime. */
export interface Case {
  readonly op: string;
  readonly inputs: readonly (ReturnType<typeof fed> | ReturnType<typeof given> | undefined)[];
  readonly attributes?: Readonly<Record<string, AttributeSpec>>;
  /** Types of the outputs; default one of the first input's type. */
  readonly outputs?: readonly DataType[];
  readonly opset?: number;
  readonly tolerance?: number;
}

export async function check({ op, inputs, attributes, outputs, opset, tolerance }: Case): Promise<void> {
  const random = new Random(op.length + inputs.length);
  const model = new ModelBuilder(opset ?? 17);
  const feeds: Record<string, Tensor> = {};
  const values = inputs.map((input, index) => {
    if (!input) return undefined;
    if (input.kind === 'given') return model.constant(input.data, input.dims, input.dtype);
    const name = `x${index}`;
    feeds[name] = randomTensor(random, input.dtype, input.dims, input.low, input.high);
    return model.input(name, input.dims, input.dtype);
  });
  const types = outputs ?? [inputs[0]!.dtype];
  model
    .nodeWithOutputs(op, values, types.length, attributes)
    .forEach((value, index) => model.output(value, types[index]!));
  await expectAgreement(model, feeds, tolerance);
}

/** What tells a case from the others of its operator. */
export function title({ op, inputs, attributes = {}, opset }: Case): string {
  const parts = inputs.map((input) =>
    !input
      ? '-'
      : `${input.dtype}[${input.dims.join()}]${input.kind === 'given' ? `=${input.data.join()}` : ''}`,
  );
  return `${op}(${parts.join(' ')}) ${JSON.stringify(attributes)}${opset ? ` in ${opset}` : ''}`;
}
