import { Calibr8Error } from '../errors';
import type { Dim, Node, Shape } from '../graph/graph';
import type { OperatorDefinition } from './definition';
import { Composer, type Term } from './support/composer';
import { stridesOf } from './support/elements';
import { floatOf, shapeError } from './support/shapes';

/** An equation with one character an axis: letters, and digits for the axes that `...` stands for. */
interface Equation {
  operands: string[];
  result: string;
}

const unique = (labels: string): string => [...new Set(labels)].join('');
const without = (labels: string, others: string): string =>
  [...labels].filter((label) => !others.includes(label)).join('');
const within = (labels: string, others: string): string =>
  [...labels].filter((label) => others.includes(label)).join('');

function parse(node: Node, ranks: readonly number[]): Equation {
  const text = node.attributes.string('equation', '').replaceAll(' ', '');
  const [left, right] = text.split('->') as [string, string?];
  const parts = left.split(',');
  const letters = (part: string): number => part.replace('...', '').length;
  const hidden = parts.map((part, i) => (part.includes('...') ? ranks[i]! - letters(part) : 0));
  const most = Math.max(0, ...hidden);
  const digits = Array.from({ length: most }, (_, i) => String(i)).join('');
  const operands = parts.map((part, i) => part.replace('...', digits.slice(most - hidden[i]!)));
  const fits = parts.length === ranks.length && operands.every((labels, i) => labels.length === ranks[i]);
  if (!fits || most > 10) {
    throw shapeError(node, `its equation "${text}" does not fit operands of ${ranks.join(', ')} dimensions.`);
  }
  if (right !== undefined) return { operands, result: right.replace('...', digits) };
  // Without a result: what occurs once, in the order of the alphabet.
  const all = operands.join('');
  const once = [...unique(without(all, digits))].filter((label) => all.split(label).length === 2);
  return { operands, result: digits + once.sort().join('') };
}

function sizesOf(node: Node, operands: readonly string[], shapes: readonly Shape[]): Map<string, Dim> {
  const sizes = new Map<string, Dim>();
  operands.forEach((labels, i) =>
    [...labels].forEach((label, axis) => {
      const dim = shapes[i]![axis]!;
      const known = sizes.get(label);
      if (known === undefined || known === 1 || known === null) sizes.set(label, dim);
      else if (typeof dim === 'number' && dim !== 1 && typeof known === 'number' && dim !== known)
        throw shapeError(node, `axis "${label}" is ${known} in one operand and ${dim} in another.`);
    }),
  );
  return sizes;
}

/** A tensor whose axes have labels, each once. */
interface Labeled {
  term: Term;
  labels: string;
}

/** Sums of products over labeled axes, as matrix products. */
class Einsum {
  constructor(
    readonly composer: Composer,
    readonly sizes: ReadonlyMap<string, number>,
  ) {}

  /** Diagonals of axes that occur twice, and full sizes where an axis of 1 broadcasts. */
  operand(term: Term, labels: string): Labeled {
    const strides = stridesOf(term.dims);
    const once = unique(labels);
    const dims = [...once].map((label) => this.sizes.get(label)!);
    if (dims.join() === term.dims.join()) return { term, labels };
    const steps = [...once].map((label) =>
      [...labels].reduce(
        (sum, other, axis) => sum + (other === label && term.dims[axis] !== 1 ? strides[axis]! : 0),
        0,
      ),
    );
    return { term: this.composer.view(term, dims, steps), labels: once };
  }

  /** Sums over the axes that nobody needs any more. */
  sum({ term, labels }: Labeled, needed: string): Labeled {
    const gone = [...labels].flatMap((label, axis) => (needed.includes(label) ? [] : [axis]));
    if (gone.length === 0) return { term, labels };
    const kept = within(labels, needed);
    const reduced = this.composer.reduce('sum', term, gone);
    return { term: this.composer.reshape(reduced, this.#dims(kept)), labels: kept };
  }

  /** Multiplies two operands: shared axes that are needed later are batches, the others are summed. */
  contract(a: Labeled, b: Labeled, needed: string): Labeled {
    const left = this.sum(a, needed + b.labels);
    const right = this.sum(b, needed + a.labels);
    const shared = within(left.labels, right.labels);
    const batch = within(shared, needed);
    const summed = without(shared, needed);
    const rows = without(left.labels, shared);
    const columns = without(right.labels, shared);
    const matrix = (x: Labeled, first: string, second: string): Term =>
      this.composer.reshape(
        this.order(x, batch + first + second),
        [batch, first, second].map((part) => this.#count(part)),
      );
    const product = this.composer.matmul(matrix(left, rows, summed), matrix(right, summed, columns));
    const labels = batch + rows + columns;
    return { term: this.composer.reshape(product, this.#dims(labels)), labels };
  }

  order({ term, labels }: Labeled, wanted: string): Term {
    return this.composer.transpose(
      term,
      [...wanted].map((label) => labels.indexOf(label)),
    );
  }

  #dims(labels: string): number[] {
    return [...labels].map((label) => this.sizes.get(label)!);
  }

  #count(labels: string): number {
    return this.#dims(labels).reduce((a, b) => a * b, 1);
  }
}

export const einsum: OperatorDefinition = {
  op: 'Einsum',
  inputs: [1, Infinity],
  quantization: { kind: 'float' },
  infer(node) {
    const dtype = floatOf(node);
    const shapes = node.inputs.map((value) => value?.shape);
    if (shapes.some((shape) => shape === undefined)) return [{ dtype, shape: undefined }];
    const known = shapes as Shape[];
    const { operands, result } = parse(
      node,
      known.map((shape) => shape.length),
    );
    const sizes = sizesOf(node, operands, known);
    const unknown = [...result].find((label) => !sizes.has(label));
    if (unknown !== undefined)
      throw shapeError(node, `its equation names "${unknown}" in the result but in no operand.`);
    return [{ dtype, shape: [...result].map((label) => sizes.get(label)!) }];
  },
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const terms = node.inputs.map((_, index) => composer.input(index));
    const { operands, result } = parse(
      node,
      terms.map(({ dims }) => dims.length),
    );
    const sizes = sizesOf(
      node,
      operands,
      terms.map(({ dims }) => dims),
    ) as Map<string, number>;
    if ([...sizes.values()].includes(0)) {
      throw new Calibr8Error('UNSUPPORTED_OPERATOR', `${node.label}: empty operands are not supported.`);
    }
    const machine = new Einsum(composer, sizes);
    const labeled = terms.map((term, i) => machine.operand(term, operands[i]!));
    const product = labeled.reduce((a, b, i) =>
      machine.contract(a, b, result + operands.slice(i + 1).join('')),
    );
    composer.finish(machine.order(machine.sum(product, result), result));
  },
};
