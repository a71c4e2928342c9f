const { readFileSync } = require('node:fs');
const { transformSync } = require('@swc/core');

/** Lets a child process or a worker require the project's TypeScript, as jest does for the tests themselves. */
require.extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), {
    filename,
    sourceMaps: 'inline',
    module: { type: 'commonjs' },
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
  });
  module._compile(code, filename);
};
