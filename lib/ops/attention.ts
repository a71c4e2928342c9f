import { Calibr8Error } from '../errors';
import type { Dim, Node, Shape } from '../graph/graph';
import type { OperatorDefinition } from './definition';
import { Composer, type Term } from './support/composer';
import { dtypeOf, floatOf, formatShape, input, output, shapeError, shapeOf } from './support/shapes';

/** Queries, keys and values in heads, and what of the sequence came before. */
interface Operands {
  /** [batch, heads, length, size of a head] each. */
  q: Term;
  k: Term;
  v: Term;
  pastLength: number;
}

const MASK = 3;
const PAST_KEY = 4;
const PAST_VALUE = 5;
const NONPAD_LENGTHS = 6;

function headsOf(node: Node, which: 'q' | 'kv'): number {
  const heads = node.attributes.int(`${which}_num_heads`);
  if (heads === undefined || heads < 1)
    throw shapeError(node, `expected a positive attribute ${which}_num_heads for operands of 3 dimensions.`);
  return heads;
}

/** The shape of operand `index` with its heads apart, whether it has them as an axis or in its last one. */
function headShape(node: Node, index: number): Shape | undefined {
  const shape = shapeOf(node, index, 3);
  if (!shape || shape.length === 4) return shape;
  if (shape.length > 4)
    throw shapeError(node, `expected operands of 3 or 4 dimensions but received ${formatShape(shape)}.`);
  const heads = headsOf(node, index === 0 ? 'q' : 'kv');
  const [batch, length, width] = shape as [Dim, Dim, Dim];
  if (typeof width === 'number' && width % heads !== 0)
    throw shapeError(node, `expected ${width} to be a multiple of its ${heads} heads.`);
  return [batch, heads, length, typeof width === 'number' ? width / heads : null];
}

/** Keys or values with those of the past before them. */
function presentShape(node: Node, index: number, past: number): Shape | undefined {
  const own = headShape(node, index);
  if (!node.inputs[past] || !own) return own;
  const before = shapeOf(node, past, 4)?.[2];
  const length = own[2];
  const whole = typeof before === 'number' && typeof length === 'number' ? before + length : null;
  return [own[0]!, own[1]!, whole, own[3]!];
}

function refuse(node: Node): void {
  const { attributes } = node;
  const reason = node.inputs[NONPAD_LENGTHS]
    ? 'lengths without padding (nonpad_kv_seqlen) are not supported; give a mask instead'
    : node.outputs[3] && attributes.int('qk_matmul_output_mode', 0) > 3
      ? `expected qk_matmul_output_mode between 0 and 3 but received ${attributes.int('qk_matmul_output_mode', 0)}`
      : undefined;
  if (reason) throw new Calibr8Error('UNSUPPORTED_OPERATOR', `${node.label}: ${reason}.`);
}

function operandsOf(composer: Composer, node: Node): Operands {
  const inHeads = (index: number): Term => {
    const x = composer.input(index);
    if (x.dims.length === 4) return x;
    const [batch, length, width] = x.dims as [number, number, number];
    const heads = headsOf(node, index === 0 ? 'q' : 'kv');
    return composer.transpose(composer.reshape(x, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
  };
  const past = [PAST_KEY, PAST_VALUE].map((index) => composer.optional(index));
  const [k, v] = [1, 2].map((index, i) => {
    const own = inHeads(index);
    return past[i] ? composer.concat([past[i], own], 2) : own;
  }) as [Term, Term];
  return { q: inHeads(0), k, v, pastLength: past[0]?.dims[2] ?? 0 };
}

/** Several heads of queries share one of keys and values: neighbors do. */
function shared(composer: Composer, x: Term, heads: number): Term {
  const [batch, own, length, size] = x.dims as [number, number, number, number];
  if (own === heads) return x;
  const plane = length * size;
  const repeated = composer.view(
    x,
    [batch, own, heads / own, length, size],
    [own * plane, plane, 0, size, 1],
  );
  return composer.reshape(repeated, [batch, heads, length, size]);
}

/** The mask for all keys: those beyond its end are hidden. */
function wholeMask(composer: Composer, keys: number): Term | undefined {
  const mask = composer.optional(MASK);
  const missing = mask ? keys - mask.dims.at(-1)! : 0;
  if (!mask || missing === 0 || mask.dims.at(-1) === 1) return mask;
  if (missing < 0)
    throw shapeError(
      composer.node,
      `expected a mask for ${keys} keys but its shape is [${mask.dims.join(', ')}].`,
    );
  const before = mask.dims.slice(0, -1);
  return composer.step('pad', [mask], mask.dtype, [...before, keys], {
    padsBegin: { i64s: mask.dims.map(() => 0) },
    padsEnd: { i64s: [...before.map(() => 0), missing] },
    value: { f64: mask.dtype === 'bool' ? 0 : -Infinity },
  });
}

/** The scores with -Infinity where a query may not see a key. */
function biased(composer: Composer, scores: Term, pastLength: number): Term {
  const { node } = composer;
  const [rows, columns] = scores.dims.slice(-2) as [number, number];
  const hidden = composer.scalar('float32', -Infinity);
  let result = scores;
  const mask = wholeMask(composer, columns);
  if (mask?.dtype === 'bool') result = composer.map('where', [mask, result, hidden]);
  else if (mask) result = composer.map('add', [result, mask]);
  if (!node.attributes.int('is_causal', 0)) return result;
  const seen = Array.from({ length: rows * columns }, (_, i) =>
    Number((i % columns) - Math.floor(i / columns) <= pastLength),
  );
  return composer.map('where', [composer.constant('bool', [rows, columns], seen), result, hidden]);
}

/** softmax(scale Q K' + mask) V, in heads. */
export const attention: OperatorDefinition = {
  op: 'Attention',
  inputs: [3, 7],
  outputs: [1, 4],
  quantization: { kind: 'float' },
  infer(node) {
    refuse(node);
    const dtype = floatOf(node);
    const [q, k, v] = [
      headShape(node, 0),
      presentShape(node, 1, PAST_KEY),
      presentShape(node, 2, PAST_VALUE),
    ];
    const inHeads = q && v && [q[0]!, q[1]!, q[2]!, v[3]!];
    const flat = shapeOf(node)?.length === 3;
    const width = inHeads && typeof inHeads[3] === 'number' ? (inHeads[1] as number) * inHeads[3] : null;
    return [
      { dtype, shape: inHeads && flat ? [inHeads[0]!, inHeads[2]!, width] : inHeads },
      { dtype: dtypeOf(node, 1), shape: k },
      { dtype: dtypeOf(node, 2), shape: v },
      { dtype, shape: q && k && [q[0]!, q[1]!, q[2]!, k[2]!] },
    ];
  },
  lower(node, lowering) {
    const composer = new Composer(node, lowering);
    const { q, k, v, pastLength } = operandsOf(composer, node);
    const heads = q.dims[1]!;
    if (heads % k.dims[1]! !== 0)
      throw shapeError(node, `expected ${heads} heads of queries to share ${k.dims[1]} of keys evenly.`);
    const scale = node.attributes.float('scale', 1 / Math.sqrt(q.dims[3]!));
    const keys = composer.transpose(shared(composer, k, heads), [0, 1, 3, 2]);
    const scores = composer.matmul(composer.eltwise('linear', q, scale), keys);
    const softcap = node.attributes.float('softcap', 0);
    const capped = softcap
      ? composer.eltwise(
          'linear',
          composer.eltwise('tanh', composer.eltwise('linear', scores, 1 / softcap)),
          softcap,
        )
      : scores;
    const masked = biased(composer, capped, pastLength);
    const weights = composer.step('softmax', [masked], 'float32', masked.dims, {
      axis: { i64: 3 },
      log: { i64: 0 },
    });
    const result = composer.matmul(weights, shared(composer, v, heads));
    const flat = lowering.dims(input(node, 0)).length === 3;
    const merged = flat ? composer.transpose(result, [0, 2, 1, 3]) : result;
    composer.finish(composer.reshape(merged, lowering.dims(output(node))));
    if (node.outputs[1]) composer.finish(k, 1);
    if (node.outputs[2]) composer.finish(v, 2);
    const stages = [scores, capped, masked, weights];
    if (node.outputs[3]) composer.finish(stages[node.attributes.int('qk_matmul_output_mode', 0)]!, 3);
  },
};
