import type { Value } from '../../lib/graph/graph';
import { ModelBuilder } from './model';
import { Random } from './random';

/** How an exporter writes a transformer encoder. */
export interface EncoderStyle {
  readonly opset: number;
  /** LayerNormalization as one operator, or as means, differences and a square root. */
  readonly norm: 'operator' | 'decomposed';
  /** Before each block (as GPT and ViT have it) or after each residual sum (as BERT has it). */
  readonly normFirst: boolean;
  readonly gelu: 'operator' | 'erf';
  /** Where 1 / sqrt(head size) goes: to the scores, or its root to queries and keys. */
  readonly scaling: 'scores' | 'operands';
  /** Shapes of heads from Shape and Concat, or as constants with 0 for what stays. */
  readonly shapes: 'computed' | 'constant';
  /** Token ids and an attention mask, both int64, in the place of float vectors. */
  readonly inputs: 'vectors' | 'tokens';
}

export const WIDTH = 64;
const HEADS = 4;
const HEAD = WIDTH / HEADS;
export const VOCABULARY = 100;
const LONGEST = 64;

/** A two-layer encoder with seeded weights, for any batch size and sequence length. */
export function encoder(style: EncoderStyle): ModelBuilder {
  return new EncoderBuilder(style).build();
}

class EncoderBuilder {
  readonly #random = new Random(11);
  readonly #model: ModelBuilder;
  readonly #style: EncoderStyle;
  /** Added to the scores: a great negative number where a token is masked. */
  #mask: Value | undefined;

  constructor(style: EncoderStyle) {
    this.#style = style;
    this.#model = new ModelBuilder(style.opset);
  }

  build(): ModelBuilder {
    let x =
      this.#style.inputs === 'vectors' ? this.#model.input('x', ['batch', 'length', WIDTH]) : this.#embed();
    for (let layer = 0; layer < 2; ++layer) {
      x = this.#residual(x, (value) => this.#attention(value));
      x = this.#residual(x, (value) => this.#feedForward(value));
    }
    if (this.#style.normFirst) x = this.#normalize(x);
    return this.#model.output(x, 'float32', ['batch', 'length', WIDTH]);
  }

  #embed(): Value {
    const model = this.#model;
    const ids = model.input('ids', ['batch', 'length'], 'int64');
    const mask = model.input('mask', ['batch', 'length'], 'int64');
    const present = model.node('Cast', [this.#unsqueeze(mask, [1, 2])], { to: 1 });
    const absent = model.node('Sub', [model.constant([1], []), present]);
    this.#mask = model.node('Mul', [absent, model.constant([-10000], [])]);
    const length = model.node('Gather', [model.node('Shape', [ids]), this.#ints([1])], { axis: 0 });
    const positions = model.node('Slice', [
      this.#weights([LONGEST, WIDTH]),
      this.#ints([0]),
      length,
      this.#ints([0]),
    ]);
    const words = model.node('Gather', [this.#weights([VOCABULARY, WIDTH], 1), ids], { axis: 0 });
    return this.#normalize(model.node('Add', [words, positions]));
  }

  #residual(x: Value, block: (value: Value) => Value): Value {
    if (this.#style.normFirst) return this.#model.node('Add', [x, block(this.#normalize(x))]);
    return this.#normalize(this.#model.node('Add', [block(x), x]));
  }

  #attention(x: Value): Value {
    const model = this.#model;
    const rooted = this.#style.scaling === 'operands';
    const scaled = (value: Value): Value =>
      rooted ? model.node('Mul', [value, model.constant([HEAD ** -0.25], [])]) : value;
    const queries = scaled(this.#heads(this.#linear(x, WIDTH), [0, 2, 1, 3]));
    const keys = scaled(this.#heads(this.#linear(x, WIDTH), [0, 2, 3, 1]));
    const values = this.#heads(this.#linear(x, WIDTH), [0, 2, 1, 3]);
    let scores = model.node('MatMul', [queries, keys]);
    if (!rooted) scores = model.node('Div', [scores, model.constant([Math.sqrt(HEAD)], [])]);
    if (this.#mask) scores = model.node('Add', [scores, this.#mask]);
    const weights = model.node('Softmax', [scores], { axis: -1 });
    const mixed = model.node('Transpose', [model.node('MatMul', [weights, values])], { perm: [0, 2, 1, 3] });
    return this.#linear(model.node('Reshape', [mixed, this.#shape(x, [WIDTH])]), WIDTH);
  }

  /** [batch, length, width] as [batch, length, heads, head], transposed. */
  #heads(x: Value, perm: readonly number[]): Value {
    const split = this.#model.node('Reshape', [x, this.#shape(x, [HEADS, HEAD])]);
    return this.#model.node('Transpose', [split], { perm });
  }

  /** Batch and length of `like`, then `rest`. */
  #shape(like: Value, rest: readonly number[]): Value {
    const model = this.#model;
    if (this.#style.shapes === 'constant') return this.#ints([0, 0, ...rest]);
    const dims = model.node('Shape', [like]);
    const sizes = [0, 1].map((axis) =>
      this.#unsqueeze(model.node('Gather', [dims, model.constant([axis], [], 'int64')]), [0]),
    );
    return model.node('Concat', [...sizes, this.#ints(rest)], { axis: 0 });
  }

  #feedForward(x: Value): Value {
    return this.#linear(this.#gelu(this.#linear(x, 4 * WIDTH)), WIDTH, 4 * WIDTH);
  }

  #gelu(x: Value): Value {
    const model = this.#model;
    if (this.#style.gelu === 'operator') return model.node('Gelu', [x]);
    const erf = model.node('Erf', [model.node('Div', [x, model.constant([Math.SQRT2], [])])]);
    const product = model.node('Mul', [x, model.node('Add', [erf, model.constant([1], [])])]);
    return model.node('Mul', [product, model.constant([0.5], [])]);
  }

  #linear(x: Value, columns: number, rows = WIDTH): Value {
    const product = this.#model.node('MatMul', [x, this.#weights([rows, columns], 1.7 / Math.sqrt(rows))]);
    return this.#model.node('Add', [this.#weights([columns]), product]);
  }

  #normalize(x: Value): Value {
    const model = this.#model;
    const [gain, shift] = [this.#weights([WIDTH], 0.5, 1), this.#weights([WIDTH])];
    const epsilon = 1e-5;
    if (this.#style.norm === 'operator')
      return model.node('LayerNormalization', [x, gain, shift], { axis: -1, epsilon: { float: epsilon } });
    const centered = model.node('Sub', [x, this.#mean(x)]);
    const variance = this.#mean(model.node('Pow', [centered, model.constant([2], [])]));
    const deviation = model.node('Sqrt', [model.node('Add', [variance, model.constant([epsilon], [])])]);
    const normal = model.node('Div', [centered, deviation]);
    return model.node('Add', [model.node('Mul', [normal, gain]), shift]);
  }

  #mean(x: Value): Value {
    if (this.#style.opset >= 18) return this.#model.node('ReduceMean', [x, this.#ints([-1])]);
    return this.#model.node('ReduceMean', [x], { axes: [-1] });
  }

  #unsqueeze(x: Value, axes: readonly number[]): Value {
    if (this.#style.opset >= 13) return this.#model.node('Unsqueeze', [x, this.#ints(axes)]);
    return this.#model.node('Unsqueeze', [x], { axes });
  }

  #ints(values: readonly number[]): Value {
    return this.#model.constant(values, [values.length], 'int64');
  }

  #weights(dims: readonly number[], spread = 0.1, center = 0): Value {
    const size = dims.reduce((a, b) => a * b, 1);
    return this.#model.constant(this.#random.floats(size, center - spread, center + spread), dims);
  }
}
