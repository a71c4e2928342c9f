const { TestEnvironment } = require('jest-environment-node');

/** Gives tests the process's own typed arrays: native modules make those, and onnxruntime compares classes. */
module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    for (const type of [
      'Float32Array',
      'Float64Array',
      'Int8Array',
      'Int16Array',
      'Uint16Array',
      'Int32Array',
      'Uint32Array',
      'BigInt64Array',
      'BigUint64Array',
    ])
      this.global[type] = globalThis[type];
  }
};
