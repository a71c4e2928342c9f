import { check, fed, none, title, type Case } from './cases';

const [q, k, v] = [fed([2, 4, 5, 8]), fed([2, 4, 6, 8]), fed([2, 4, 6, 10])];
const [past, own] = [fed([2, 4, 3, 8]), fed([2, 4, 5, 8])];
const float = 'float32' as const;

const forms: Pick<Case, 'inputs' | 'attributes' | 'outputs'>[] = [
  { inputs: [q, k, v] },
  { inputs: [q, k, v], attributes: { scale: { float: 0.3 }, softcap: { float: 2 } } },
  { inputs: [q, k, v], attributes: { is_causal: 1 } },
  { inputs: [q, k, v, fed([5, 6])] },
  { inputs: [q, k, v, fed([2, 1, 5, 6])], attributes: { softcap: { float: 2 } } },
  { inputs: [q, k, v, fed([2, 4, 5, 6], 'bool', -1, 6)] },
  // Heads of queries that share keys and values.
  { inputs: [fed([2, 6, 5, 8]), fed([2, 3, 6, 8]), fed([2, 3, 6, 8])], attributes: { is_causal: 1 } },
  {
    inputs: [fed([2, 5, 48]), fed([2, 6, 24]), fed([2, 6, 30])],
    attributes: { q_num_heads: 6, kv_num_heads: 3 },
  },
  // Keys and values of the past.
  { inputs: [q, own, own, none, past, past], outputs: [float, float, float] },
  { inputs: [q, own, own, none, past, past], attributes: { is_causal: 1 }, outputs: [float, float, float] },
  ...[0, 1, 2, 3].map((qk_matmul_output_mode) => ({
    inputs: [q, own, own, fed([5, 8]), past, past],
    attributes: { qk_matmul_output_mode, softcap: { float: 1.5 } },
    outputs: [float, float, float, float],
  })),
];

test.each(
  forms
    .map((form): Case => ({ op: 'Attention', opset: 23, tolerance: 1e-4, ...form }))
    .map((each) => [title(each), each] as const),
)('%s', (_, each) => check(each));
