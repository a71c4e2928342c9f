import { Calibr8Error } from '../errors';
import type { Constant } from './constant';

interface AttributeValues {
  int: number;
  ints: readonly number[];
  float: number;
  floats: readonly number[];
  string: string;
  strings: readonly string[];
  tensor: Constant;
  /** A kind that calibr8 does not read; keeps the kind's name for the error of whoever needs it. */
  unsupported: string;
}

/** One ONNX attribute. */
export type Attribute = {
  [K in keyof AttributeValues]: { readonly kind: K; readonly value: AttributeValues[K] };
}[keyof AttributeValues];

/** A node's attributes with typed access. `owner` names the node in errors. */
export class Attributes {
  readonly #entries: Map<string, Attribute>;

  constructor(
    readonly owner: string,
    entries: Iterable<readonly [string, Attribute]> = [],
  ) {
    this.#entries = new Map(entries);
  }

  entries(): IterableIterator<[string, Attribute]> {
    return this.#entries.entries();
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  int(name: string): number | undefined;
  int(name: string, fallback: number): number;
  int(name: string, fallback?: number): number | undefined {
    return this.#get(name, 'int') ?? fallback;
  }

  ints(name: string): readonly number[] | undefined;
  ints(name: string, fallback: readonly number[]): readonly number[];
  ints(name: string, fallback?: readonly number[]): readonly number[] | undefined {
    return this.#get(name, 'ints') ?? fallback;
  }

  float(name: string): number | undefined;
  float(name: string, fallback: number): number;
  float(name: string, fallback?: number): number | undefined {
    return this.#get(name, 'float') ?? fallback;
  }

  floats(name: string): readonly number[] | undefined {
    return this.#get(name, 'floats');
  }

  string(name: string): string | undefined;
  string(name: string, fallback: string): string;
  string(name: string, fallback?: string): string | undefined {
    return this.#get(name, 'string') ?? fallback;
  }

  strings(name: string): readonly string[] | undefined {
    return this.#get(name, 'strings');
  }

  tensor(name: string): Constant | undefined {
    return this.#get(name, 'tensor');
  }

  #get<K extends keyof AttributeValues>(name: string, kind: K): AttributeValues[K] | undefined {
    const attribute = this.#entries.get(name);
    if (attribute === undefined) return undefined;
    // Exporters write an empty list without its type, which reads as a list of another kind.
    const empty = Array.isArray(attribute.value) && attribute.value.length === 0 && kind.endsWith('s');
    if (attribute.kind !== kind && !empty) {
      throw new Calibr8Error(
        'INVALID_MODEL',
        `Expected attribute "${name}" of ${this.owner} to be of kind ${kind} but received ${attribute.kind}.`,
      );
    }
    return attribute.value as AttributeValues[K];
  }
}
