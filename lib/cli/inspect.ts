import { Command } from 'commander';
import { Calibr8Error } from '../errors';
import { measureComplexity, type Complexity } from '../evaluation/complexity';
import { syntheticFeeds } from '../evaluation/synthetic-feeds';
import type { Graph, Shape, Value } from '../graph/graph';
import { receiptIn, type Receipt } from '../report/receipt';
import type { ProfiledStep } from '../runtime/session';
import { checkReadable, fileSize } from './files';
import { inspectionText } from './inspection-text';
import { print, printJson, type Context } from './io';
import { addOutputOptions, integer, type OutputOptions } from './options';

interface InspectOptions extends OutputOptions {
  batch?: number;
  size: number;
  runs: number;
  steps?: boolean;
}

export interface ValueReport {
  name: string;
  type: string;
  shape: Shape;
}

/** What is known without running anything. */
export interface StaticInspection {
  model: string;
  bytes: number;
  opset: number;
  inputs: ValueReport[];
  outputs: ValueReport[];
  operators: { op: string; count: number }[];
  /** Elements and bytes of all initializers, quantization scales included. */
  parameters: number;
  parameterBytes: number;
  receipt: Receipt | null;
}

/** What needs shapes, or the addon; `problem` says why it is not there. */
export interface Execution {
  /** Shapes of the inputs that the following figures are for. */
  inputDims: Record<string, readonly number[]>;
  complexity?: Complexity & { int8Percent: number };
  precision?: string;
  steps?: ProfiledStep[];
  totalNanoseconds?: number;
  problem?: string;
}

export type Inspection = StaticInspection & { execution: Execution };

const EXAMPLES = `
Examples:
  $ calibr8 inspect resnet50.int8.onnx
  $ calibr8 inspect net.onnx --size 320 --steps
  $ calibr8 inspect net.onnx --json | jq '.execution.steps[].implementation'

Runs on one thread with made-up inputs to see what oneDNN chooses and how long
each step takes. Implementations named "ref" are slow fallbacks.`;

/** `calibr8 inspect`: what a network consists of and what runs for it on this processor. */
export function inspectCommand(context: Context): Command {
  const command = new Command('inspect')
    .summary("show a network's operators, sizes, INT8 share and what runs for it")
    .description(
      'Shows operators, shapes, parameters, the share of multiply-adds in INT8, the receipt of the calibration, and the implementations that run on this processor.',
    )
    .argument('<model>', 'ONNX model, FP32 or INT8')
    .option('--batch <B>', 'size of the first dimension where the network leaves it open', integer(1))
    .option('--size <N>', 'size of every other dimension that the network leaves open', integer(1), 224)
    .option('--runs <N>', 'runs of which the times are the median', integer(1), 5)
    .option('--steps', 'list every step');
  addOutputOptions(command);
  return command
    .addHelpText('after', EXAMPLES)
    .action((model: string, options: InspectOptions) => run(context, model, options));
}

async function run(context: Context, model: string, options: InspectOptions): Promise<void> {
  const { io, services } = context;
  await checkReadable([model]);
  const graph = await services.readGraph(model);
  const inspection = {
    ...describeGraph(model, await fileSize(model), graph),
    execution: await describeExecution(context, model, graph, options),
  };
  io.signal.throwIfAborted();
  if (options.json) printJson(io, inspection);
  else print(io, inspectionText(inspection, options.steps === true));
}

function describeGraph(model: string, bytes: number, graph: Graph): StaticInspection {
  const counts = new Map<string, number>();
  for (const { op } of graph.nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
  const constants = [...graph.values()].flatMap(({ constant }) => constant ?? []);
  return {
    model,
    bytes,
    opset: graph.opset,
    inputs: graph.inputs.map(describeValue),
    outputs: graph.outputs.map(describeValue),
    operators: [...counts]
      .map(([op, count]) => ({ op, count }))
      .sort((a, b) => b.count - a.count || (a.op < b.op ? -1 : 1)),
    parameters: constants.reduce((sum, constant) => sum + constant.count, 0),
    parameterBytes: constants.reduce((sum, constant) => sum + constant.bytes.byteLength, 0),
    receipt: receiptIn(graph.metadata) ?? null,
  };
}

function describeValue({ name, dtype, shape }: Value): ValueReport {
  return { name, type: dtype ?? 'unknown', shape: shape ?? [] };
}

/** A model that cannot run here is still worth describing, so failures become part of the report. */
async function describeExecution(
  { io, services }: Context,
  model: string,
  graph: Graph,
  options: InspectOptions,
): Promise<Execution> {
  const inputs = graph.inputs.map(({ name, dtype, shape }) => ({
    name,
    type: dtype ?? 'float32',
    shape: (shape ?? []).map((dim) => dim ?? '?'),
  }));
  const { feeds } = syntheticFeeds(inputs, options);
  const inputDims = Object.fromEntries(Object.entries(feeds).map(([name, { dims }]) => [name, dims]));
  const result: Execution = { inputDims };
  try {
    const complexity = measureComplexity(graph, inputDims);
    const { multiplyAdds, int8MultiplyAdds } = complexity;
    const int8Percent = multiplyAdds === 0 ? 0 : (100 * int8MultiplyAdds) / multiplyAdds;
    result.complexity = { ...complexity, int8Percent };
    const session = await services.createSession(model, { streams: 1, threadsPerStream: 1 });
    try {
      io.signal.throwIfAborted();
      Object.assign(result, { precision: session.precision }, await session.profile(feeds, options.runs));
    } finally {
      await session.release();
    }
  } catch (error) {
    if (!(error instanceof Calibr8Error)) throw error;
    result.problem = `${error.code}: ${error.message}`;
  }
  return result;
}
