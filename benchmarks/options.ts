import { Command, InvalidArgumentError, Option } from 'commander';
import { integer, positiveNumber } from '../lib/cli/options';
import { defaultThreads } from '../lib/runtime/options';

export interface BenchmarkOptions {
  models?: string[];
  data?: string;
  preprocess: string;
  algo: 'max' | 'KL';
  threads: number[];
  streams: number;
  batch: number;
  trials: number;
  seconds: number;
  peer: boolean;
  pin: boolean;
  quick?: boolean;
  throughput: boolean;
  overhead: boolean;
  layers?: boolean;
  calibration?: boolean;
  json?: string | true;
}

const EXAMPLES = `
Examples:
  $ npm run benchmark
  $ npm run benchmark -- --quick --threads 1 --json results.json
  $ npm run benchmark -- --models net.onnx,net.int8.onnx --batch 8
  $ npm run benchmark -- --models net.onnx --data photos --preprocess imagenet
  $ npm run benchmark -- --no-throughput --no-overhead --layers --threads 1
  $ npm run benchmark -- --no-throughput --no-overhead --calibration

benchmarks/README.md tells how to read the numbers.`;

/** The command line of the benchmark. */
export function benchmarkCommand(action: (options: BenchmarkOptions) => Promise<void>): Command {
  return new Command('benchmark')
    .description('Measures FP32 and INT8 networks in calibr8 and onnxruntime-node, a process a trial.')
    .option(
      '--models <FILES...>',
      'networks in place of ResNet-50 and MobileNet-V1, each FP32 or FP32,INT8; INT8 defaults to the file that calibrating with --data ' +
        'gives, else to FP32 with .int8 before its extension',
    )
    .option('--data <DIR>', 'images to calibrate those networks with')
    .option('--preprocess <NAME|JSON>', 'how those images are fed', 'imagenet')
    .addOption(new Option('--algo <NAME>', 'for those networks').choices(['max', 'KL']).default('max'))
    .option(
      '--threads <LIST>',
      'threads of a run, such as 1,4 (default: 1 and OMP_NUM_THREADS, else all processors of the affinity mask)',
      threadList,
      defaultThreadList(),
    )
    .option('--streams <S>', 'runs computed at once, each with its threads', integer(1), 1)
    .option('--batch <B>', 'images a run', integer(1), 1)
    .option('--trials <N>', 'processes for each configuration', integer(1), 5)
    .option('--seconds <N>', 'time of a trial, warm-up apart', positiveNumber, 3)
    .option('--no-peer', 'measure calibr8 alone')
    .option('--no-pin', 'do not pin each process to as many cores as it has threads')
    .option('--no-throughput', 'leave the speed out')
    .option('--no-overhead', 'leave the cost of run() over its primitives out')
    .option('--layers', 'also measure every layer, beside the peak of the processor')
    .option('--calibration', 'also measure the time and memory of calibrating ResNet-50 (minutes)')
    .option('--quick', 'short trials, for a look: 2 of half a second')
    .option('--json [FILE]', 'write JSON to FILE, or to stdout in place of the tables')
    .addHelpText('after', EXAMPLES)
    .action((options: BenchmarkOptions) =>
      action(options.quick ? { ...options, trials: 2, seconds: 0.5 } : options),
    );
}

function threadList(text: string): number[] {
  const parse = integer(1, 1024);
  const list = text.split(',').map(parse);
  if (new Set(list).size < list.length) throw new InvalidArgumentError('Expected each number once.');
  return list;
}

function defaultThreadList(): number[] {
  const all = defaultThreads();
  return all > 1 ? [1, all] : [1];
}
