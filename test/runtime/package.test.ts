import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { runFile } from '../support/child';

const ROOT = resolve(__dirname, '../..');
const built = existsSync(resolve(ROOT, 'dist/lib/index.js'));
const describeBuilt = built ? describe : describe.skip;
const name = built ? 'the built package' : 'the built package (skipped: dist is not built; npm run build:ts)';

const CHECK = `
  const x = new Tensor('float32', [1, 2], [2]);
  const names = [typeof Calibrator.create, typeof InferenceSession.create, x.size, x.dims.join(), Calibr8Error.name];
  console.log(names.join(' '));`;
const WANTED = 'function function 2 2 Calibr8Error\n';

describeBuilt(name, () => {
  const main = JSON.stringify(resolve(ROOT, 'dist/lib/index.js'));

  test('is required from CommonJS', async () => {
    const { stdout, stderr } = await runFile(
      'script.cjs',
      `const { Calibrator, InferenceSession, Tensor, Calibr8Error } = require(${main}); ${CHECK}`,
    );
    expect({ stdout, stderr }).toEqual({ stdout: WANTED, stderr: '' });
  });

  test('is imported from an ES module, by name', async () => {
    const { stdout, stderr } = await runFile(
      'script.mjs',
      `import { Calibrator, InferenceSession, Tensor, Calibr8Error } from ${main}; ${CHECK}`,
    );
    expect({ stdout, stderr }).toEqual({ stdout: WANTED, stderr: '' });
  });

  test('has declarations', () => {
    expect(existsSync(resolve(ROOT, 'dist/lib/index.d.ts'))).toBe(true);
  });
});
