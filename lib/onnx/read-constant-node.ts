import type { Attribute } from '../graph/attributes';
import { Constant } from '../graph/constant';
import { invalid, unsupported } from './proto';

/** The constant that a Constant node stands for. */
export function constantOf(attributes: readonly (readonly [string, Attribute])[], label: string): Constant {
  const [entry] = attributes;
  if (!entry || attributes.length !== 1) {
    throw invalid(
      `Expected one attribute that holds the value of ${label} but received ${attributes.length}.`,
    );
  }
  const [name, { kind, value }] = entry;
  switch (`${name} ${kind}`) {
    case 'value tensor':
      return value as Constant;
    case 'value_float float':
      return Constant.float32([], [value as number]);
    case 'value_floats floats':
      return Constant.float32([(value as number[]).length], value as number[]);
    case 'value_int int':
      return int64([], [value as number]);
    case 'value_ints ints':
      return int64([(value as number[]).length], value as number[]);
    default:
      throw unsupported(
        `${label} holds its value as ${name} (${kind === 'unsupported' ? (value as string) : kind}), which calibr8 does not run; it takes numeric dense tensors.`,
      );
  }
}

/** Attributes are doubles by now, so "to the end" (INT64_MAX) has become 2^63 and must not wrap to a negative number. */
function int64(dims: readonly number[], numbers: readonly number[]): Constant {
  return Constant.int64(
    dims,
    numbers.map((number) => (number >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(number))),
  );
}
