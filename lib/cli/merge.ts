import { Command } from 'commander';
import { mergeTables } from '../calibration/merge-tables';
import { readTable, writeTable } from '../calibration/table';
import { tableText } from './calibration-summary';
import { checkWritable } from './files';
import { print, printJson, type Context } from './io';
import { addOutputOptions, type OutputOptions } from './options';

interface MergeOptions extends OutputOptions {
  output: string;
}

const EXAMPLES = `
Examples:
  $ calibr8 merge shard-*.json -o table.json
  $ calibr8 calibrate net.onnx --table table.json

The tables come from calibr8 calibrate --save-table, with the same model and
options but other samples. The result is what one run over all of their
samples would have written, to the last bit.`;

/** `calibr8 merge`: one calibration table of several. */
export function mergeCommand({ io }: Context): Command {
  const command = new Command('merge')
    .summary('merge the calibration tables of several runs')
    .description('Merges calibration tables that were made from parts of the samples, exactly.')
    .argument('<tables...>', 'calibration tables')
    .requiredOption('-o, --output <TABLE>', 'file to write');
  addOutputOptions(command);
  return command
    .addHelpText('after', EXAMPLES)
    .action(async (paths: string[], { output, json }: MergeOptions) => {
      await checkWritable(output);
      const table = mergeTables(await Promise.all(paths.map((path) => readTable(path))), paths);
      await writeTable(table, output);
      const { samples, tensors } = table;
      if (json) printJson(io, { output, tables: paths, samples: samples.count, tensors: tensors.length });
      else print(io, tableText(table, output));
    });
}
