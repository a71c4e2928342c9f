import { Calibr8Error, InferenceSession, type Tensor } from '../../lib/index';
import { UnreadableTensor, type ConformanceCase, type Tolerance } from './cases';

export interface Outcome {
  readonly name: string;
  readonly status: 'passed' | 'failed' | 'skipped';
  /** Why it failed, or what calibr8 says that it does not support. */
  readonly reason?: string;
}

/** Runs one case. A model that calibr8 refuses as unsupported is skipped; every other error is a failure. */
export async function runCase(test: ConformanceCase): Promise<Outcome> {
  const { name } = test;
  try {
    const reason = await differenceOf(test);
    return reason === undefined ? { name, status: 'passed' } : { name, status: 'failed', reason };
  } catch (error) {
    const { message } = error as Error;
    const unsupported =
      error instanceof UnreadableTensor ||
      (error instanceof Calibr8Error && error.code === 'UNSUPPORTED_OPERATOR');
    const code = error instanceof Calibr8Error ? `${error.code}: ` : '';
    return { name, status: unsupported ? 'skipped' : 'failed', reason: code + brief(message) };
  }
}

/**
 * The reason without what differs from case to case and what would serve instead: of a list of what is not supported its items
 * alone, without the path and the list of all that is.
 */
function brief(message: string): string {
  const [first, ...items] = message.replace(/\s+Supported: [^]*$/, '').split('\n  - ');
  if (items.length === 0) return first!.replace(/^\S*\.onnx: /, '');
  return items.map((item) => item.replace(/; nearest supported form: [^]*$/, '')).join('; ');
}

async function differenceOf(test: ConformanceCase): Promise<string | undefined> {
  const session = await InferenceSession.create(test.model, { threadsPerStream: 1 });
  try {
    for (const { inputs, outputs } of test.load(session.inputMetadata[0]?.shape ?? [])) {
      const feeds = Object.fromEntries(session.inputNames.map((name, k) => [name, inputs[k]!]));
      const results = await session.run(feeds);
      for (const [k, name] of session.outputNames.entries()) {
        const reason = outputs[k] && compare(results[name]!, outputs[k], test.tolerance);
        if (reason) return `${name}: ${reason}`;
      }
    }
    return undefined;
  } finally {
    await session.release();
  }
}

/** What is wrong with a result, or undefined. */
function compare(actual: Tensor, wanted: Tensor, { relative, absolute }: Tolerance): string | undefined {
  if (actual.type !== wanted.type) return `expected type ${wanted.type} but received ${actual.type}`;
  if (actual.dims.join() !== wanted.dims.join())
    return `expected shape [${wanted.dims.join(', ')}] but received [${actual.dims.join(', ')}]`;
  for (let i = 0; i < wanted.size; ++i) {
    const [a, w] = [Number(actual.data[i]), Number(wanted.data[i])];
    const equal = a === w || (Number.isNaN(a) && Number.isNaN(w));
    if (!equal && !(Math.abs(a - w) <= absolute + relative * Math.abs(w)))
      return `expected ${w} for element ${i} but received ${a}`;
  }
  return undefined;
}
