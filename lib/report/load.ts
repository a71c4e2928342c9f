import { Calibr8Error } from '../errors';
import type { Graph, Value } from '../graph/graph';
import { formatShape } from '../ops/support/shapes';
import { CANONICAL, runPasses } from '../passes/pipeline';
import { readToRun, toSource } from '../runtime/source';
import { isQuantized } from './correspondence';

/**
 * Reads both networks and checks that they are a pair: FP32 and INT8, with the same inputs and outputs.
 * @returns canonical graphs
 */
export async function loadPair(
  fp32: string | Uint8Array,
  int8: string | Uint8Array,
): Promise<{ reference: Graph; quantized: Graph }> {
  const reference = await read(fp32);
  const quantized = await read(int8);
  checkPrecisions(isQuantized(reference), isQuantized(quantized));
  checkSame(reference.inputs, quantized.inputs, 'inputs');
  checkSame(reference.outputs, quantized.outputs, 'outputs');
  return { reference, quantized };
}

async function read(model: string | Uint8Array): Promise<Graph> {
  const graph = await readToRun(toSource(model));
  runPasses(graph, CANONICAL);
  return graph;
}

function checkPrecisions(first: boolean, second: boolean): void {
  if (!first && second) return;
  const received =
    first && second ? 'both are INT8' : first ? 'they come the other way round' : 'both are FP32';
  const remedy =
    first && second
      ? 'Give the FP32 model that the INT8 one was made from'
      : first
        ? 'Name the FP32 model first'
        : 'Make an INT8 one with calibr8 calibrate';
  throw new Calibr8Error(
    'INVALID_ARGUMENT',
    `Expected an FP32 network and then an INT8 one, with QuantizeLinear nodes, but ${received}. ${remedy}.`,
  );
}

function checkSame(first: readonly Value[], second: readonly Value[], what: string): void {
  const same = first.every((value) => second.some((other) => fits(value, other)));
  if (same && first.length === second.length) return;
  throw new Calibr8Error(
    'INVALID_ARGUMENT',
    `Expected two networks with the same ${what} but the FP32 one has ${list(first)} and the INT8 one ${list(second)}. Compare an INT8 model with the FP32 model it was made from.`,
  );
}

/** Same name and type, and no dimension that is known to differ. */
function fits(a: Value, b: Value): boolean {
  if (a.name !== b.name || a.dtype !== b.dtype) return false;
  if (!a.shape || !b.shape) return true;
  return (
    a.shape.length === b.shape.length &&
    a.shape.every(
      (dim, axis) => typeof dim !== 'number' || typeof b.shape![axis] !== 'number' || dim === b.shape![axis],
    )
  );
}

function list(values: readonly Value[]): string {
  return values
    .map(({ name, dtype, shape }) => `${name} ${dtype ?? 'unknown'} ${formatShape(shape)}`)
    .join(', ');
}
