import leven from 'leven';
import { Calibr8Error } from '../../errors';
import type { Graph, Node } from '../../graph/graph';

/** What to do about operators that there are many of and that no other operator stands for. */
const REMEDIES: readonly (readonly [ops: readonly string[], remedy: string])[] = [
  [
    ['If', 'Loop', 'Scan'],
    'nodes without control flow: export by tracing, with the number of repeats known, so that loops are unrolled',
  ],
  [
    ['LSTM', 'GRU', 'RNN'],
    'its steps written out with MatMul, Add, Mul, Sigmoid and Tanh for a known sequence length',
  ],
  [
    ['NonMaxSuppression', 'NonZero', 'Unique', 'Compress', 'RoiAlign', 'MaxRoiPool'],
    'a network that ends before it: cut it off with its outputs and do the rest on the results in JavaScript',
  ],
];

/** The operator of a node as messages name it, with the version of its operator set. */
export function operatorWithOpset(graph: Graph, { domain, op }: Node): string {
  const version = domain === '' ? graph.opset : graph.domains.get(domain);
  return `${domain === '' ? '' : `${domain}.`}${op} (opset ${version ?? 'unknown'})`;
}

/** The form nearest to an operator that nobody here knows, as the end of a sentence. */
export function nearestForm({ domain, op }: Node, known: readonly string[]): string {
  const remedy = REMEDIES.find(([ops]) => ops.includes(op))?.[1];
  if (remedy) return `nearest supported form: ${remedy}`;
  if (domain !== '' && known.includes(op)) return `nearest supported form: ${op} of ONNX's own operator set`;
  const [closest] = known
    .map((name) => ({ name, distance: leven(name.toLowerCase(), op.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  if (closest && closest.distance <= Math.max(1, Math.floor(op.length / 4)))
    return `nearest supported form: ${closest.name}`;
  if (domain !== '')
    return "nearest supported form: ONNX's own operators; export without this runtime's fusions and extensions";
  return 'nearest supported form: its arithmetic in basic operators, as torch.onnx.export writes many for a lower opset';
}

/** One error about all that a model asks for and cannot get. */
export function unsupportedModel(
  refusals: readonly string[],
  hint = '',
  options?: ErrorOptions,
): Calibr8Error {
  const what = refusals.length === 1 ? 'something that is' : `${refusals.length} things that are`;
  const list = refusals.map((refusal) => `\n  - ${refusal}`).join('');
  return new Calibr8Error(
    'UNSUPPORTED_OPERATOR',
    `The model uses ${what} not supported:${list}${hint}`,
    options,
  );
}

/** True for an error that says what cannot run, as opposed to what is wrong. */
export function isRefusal(error: unknown): error is Calibr8Error {
  return error instanceof Calibr8Error && error.code === 'UNSUPPORTED_OPERATOR';
}
