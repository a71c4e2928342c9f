import { fixed, percent, table } from '../../lib/cli/format';
import type { Comparison } from '../shared/task';
import { PUBLISHED } from './published';
import type { PairSpeed } from './speed';

/** A network of the demo and what was measured. */
export interface Result {
  name: string;
  algo: string;
  /** Short name of the images; with `accuracy` only. */
  images?: string | undefined;
  accuracy?: Comparison | undefined;
  speed: PairSpeed;
}

/** Measured top-1 accuracies above the published ones. */
export function accuracyTable(results: readonly Result[]): string {
  const rows = results.flatMap(({ name, algo, images, accuracy }) =>
    accuracy
      ? [
          row(
            'measured',
            name,
            images ?? '',
            algo,
            accuracy.fp32.top1,
            accuracy.int8.top1,
            accuracy.agreement,
          ),
        ]
      : [],
  );
  const published = PUBLISHED.map(({ name, algo, top1 }) =>
    row('published *', name, 'ImageNet', algo, top1.fp32, top1.int8),
  );
  return table(
    ['', 'network', 'images', 'by', 'FP32', 'INT8', 'drop', 'agree'],
    blankRepeats([...rows, ...published]),
    { flexible: 1, left: [0, 1, 2, 3] },
  );
}

/** Measured speeds beside the published ones. */
export function speedTable(results: readonly Result[]): string {
  const rows = results.map(({ name, speed }) => {
    const published = PUBLISHED.find((figures) => figures.name === name)?.imagesPerSecond;
    return [
      name,
      fixed(speed.fp32, 1),
      fixed(speed.int8, 1),
      fixed(speed.int8 / speed.fp32, 2),
      ...(published
        ? [fixed(published.fp32, 2), fixed(published.int8, 2), fixed(published.int8 / published.fp32, 2)]
        : ['', '', '']),
    ];
  });
  return table(['network', 'FP32', 'INT8', 'INT8/FP32', 'FP32 *', 'INT8 *', 'INT8/FP32 *'], rows);
}

function row(
  source: string,
  name: string,
  images: string,
  algo: string,
  fp32: number,
  int8: number,
  agreement?: number,
): string[] {
  const same = agreement === undefined ? '' : percent(agreement, 1);
  return [source, name, images, algo, percent(fp32), percent(int8), percent(fp32 - int8), same];
}

/** Names the source once a group. */
function blankRepeats(rows: readonly string[][]): string[][] {
  return rows.map((cells, index) => (cells[0] === rows[index - 1]?.[0] ? ['', ...cells.slice(1)] : cells));
}
