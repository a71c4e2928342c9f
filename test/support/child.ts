import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export interface ChildResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

const SUPPORT = __dirname;

/** What every script begins with: the library and the test networks, from their TypeScript. */
export const PREAMBLE = `
require(${JSON.stringify(join(SUPPORT, 'register-typescript.js'))});
const { InferenceSession, Tensor } = require(${JSON.stringify(resolve(__dirname, '../../lib/index.ts'))});
const { smallNetwork, image, slowNetwork, slowInput } = require(${JSON.stringify(join(SUPPORT, 'networks.ts'))});
`;

/** Runs a script in a Node process of its own. */
export async function runScript(body: string, flags: readonly string[] = []): Promise<ChildResult> {
  return runFile('script.cjs', `${PREAMBLE}\n${body}`, flags);
}

export async function runFile(
  name: string,
  text: string,
  flags: readonly string[] = [],
): Promise<ChildResult> {
  const folder = await mkdtemp(join(tmpdir(), 'calibr8-child-'));
  try {
    const path = join(folder, name);
    await writeFile(path, text);
    return await new Promise((settle) => {
      const child = execFile(process.execPath, [...flags, path], { timeout: 50000 }, (_, stdout, stderr) =>
        settle({ code: child.exitCode, signal: child.signalCode, stdout, stderr }),
      );
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}
