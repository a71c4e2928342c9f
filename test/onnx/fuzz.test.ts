import { readFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { Calibr8Error } from '../../lib/errors';
import { verify } from '../../lib/graph/verify';
import { readModel } from '../../lib/onnx';
import { dataPath, describeWithData } from '../support/data';
import { encode, floats, model, valueInfo } from './support';

/** Holds a little of everything that the reader looks at. */
const bytes = encode(
  model(
    {
      input: [valueInfo('x', ['batch', 4]), valueInfo('w', [4])],
      initializer: [
        floats('w', [4]),
        { name: 'shape', dims: [2], dataType: 7, int64Data: [-1, 4] },
        { name: 'q', dims: [2], dataType: 3, int32Data: [-1, 4] },
        { name: 'd', dims: [1], dataType: 11, doubleData: [0.5] },
      ],
      node: [
        { opType: 'Constant', output: ['c'], attribute: [{ name: 'value', type: 4, t: floats('', [2]) }] },
        { opType: 'Add', name: 'add', input: ['x', 'w'], output: ['sum'] },
        {
          opType: 'Reshape',
          input: ['sum', 'shape'],
          output: ['r'],
          attribute: [{ name: 'allowzero', type: 2, i: 0 }],
        },
        {
          opType: 'Clip',
          input: ['r', '', 'd'],
          output: ['k'],
          attribute: [{ name: 'ints', type: 7, ints: [1, -2] }],
        },
        {
          opType: 'Mix',
          domain: 'mine',
          input: ['k', 'q', 'c'],
          output: ['y', ''],
          attribute: [{ name: 's', type: 3, s: new Uint8Array([65]) }],
        },
      ],
      valueInfo: [valueInfo('sum', [null, 4])],
    },
    {
      opsetImport: [{ version: 17 }, { domain: 'mine', version: 1 }],
      metadataProps: [{ key: 'k', value: 'v' }],
    },
  ),
);

/** A Calibr8Error or a sound graph: nothing else may come of damaged bytes. */
async function survives(damaged: Uint8Array): Promise<void> {
  try {
    verify(await readModel(damaged));
  } catch (error) {
    if (!(error instanceof Calibr8Error) || error.code === 'INTERNAL_GRAPH') throw error;
    expect(error.message.length).toBeLessThan(2000);
  }
}

test('the undamaged model is read', async () => {
  expect((await readModel(bytes)).nodes.size).toBe(4);
});

test('a model truncated at any byte', async () => {
  for (let length = 0; length < bytes.length; ++length) {
    const cut = bytes.slice(0, length);
    await survives(cut);
    // The operator sets come after the graph; only what follows them, the metadata, may go unnoticed.
    if (length < bytes.length - 40) await expect(readModel(cut)).rejects.toThrow(Calibr8Error);
  }
});

test('a model with any one byte changed', async () => {
  for (let offset = 0; offset < bytes.length; ++offset) {
    for (const change of [1, 8, 0x7f, 0x80, 0xff]) {
      const damaged = bytes.slice();
      damaged[offset]! ^= change;
      await survives(damaged);
    }
  }
});

test('a model with several bytes replaced, removed or repeated', async () => {
  const edit = fc.record({
    at: fc.nat(bytes.length - 1),
    remove: fc.nat(6),
    insert: fc.uint8Array({ maxLength: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
      const damaged = [...bytes];
      for (const { at, remove, insert } of edits) damaged.splice(at, remove, ...insert);
      await survives(Uint8Array.from(damaged));
    }),
    { numRuns: 3000 },
  );
});

test('any bytes', async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), survives), { numRuns: 3000 });
});

describeWithData('a real model, damaged', () => {
  test('anywhere', async () => {
    const whole = await readFile(dataPath('models', 'real', 'mnist-cnn.onnx')!);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(whole.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        async (at, change, cut) => {
          const damaged = Uint8Array.from(cut ? whole.subarray(0, at) : whole);
          if (!cut) damaged[at]! ^= change;
          await survives(damaged);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
