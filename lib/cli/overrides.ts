import { readFile } from 'node:fs/promises';
import type { Override } from '../calibration/overrides';
import { UsageError } from './io';

/** The overrides that `--override` gives: JSON of one or of a list, or `@` and a file that holds such JSON. */
export async function readOverrides(texts: readonly string[]): Promise<Override[]> {
  const lists = await Promise.all(texts.map(readOne));
  // The library checks what is in them.
  return lists.flat() as Override[];
}

async function readOne(text: string): Promise<unknown[]> {
  const json = text.startsWith('@') ? await readText(text.slice(1)) : text;
  try {
    const parsed: unknown = JSON.parse(json);
    return Array.isArray(parsed) ? parsed : [parsed];
  } catch (cause) {
    throw new UsageError(
      `--override: Expected JSON such as '{"match":"op:Gemm","observer":"mse"}', or @FILE with such JSON, but ${text}: ${(cause as Error).message}.`,
      { cause },
    );
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new UsageError(`--override: Expected a file at "${file}" but ${(cause as Error).message}.`, {
      cause,
    });
  }
}
