import type { Value } from '../graph/graph';

/** Values that must share one scale: union-find over the values that are quantized. */
export class ScaleGroups {
  readonly #parents = new Map<Value, Value>();

  add(value: Value): void {
    if (!this.#parents.has(value)) this.#parents.set(value, value);
  }

  has(value: Value): boolean {
    return this.#parents.has(value);
  }

  tie(a: Value, b: Value): void {
    this.add(a);
    this.add(b);
    this.#parents.set(this.#root(a), this.#root(b));
  }

  /** The groups, each a list of values in the order they were added. */
  groups(): Value[][] {
    const groups = new Map<Value, Value[]>();
    for (const value of this.#parents.keys()) {
      const root = this.#root(value);
      const group = groups.get(root);
      if (group) group.push(value);
      else groups.set(root, [value]);
    }
    return [...groups.values()];
  }

  #root(value: Value): Value {
    let root = value;
    for (let parent = this.#parents.get(root)!; parent !== root; parent = this.#parents.get(root)!)
      root = parent;
    return root;
  }
}
