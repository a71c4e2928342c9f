import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  Calibrator,
  mergeTables,
  readTable,
  Tensor,
  writeTable,
  type Algorithm,
  type CalibrationTable,
  type CalibratorOptions,
} from '../../lib';
import { ModelBuilder } from '../support/model';
import { noise, withFolder } from './calibrated';

/** Two branches that a concat joins, a convolution, a matrix product. */
function network(seed = 2): Uint8Array {
  const model = new ModelBuilder(13);
  const x = model.input('x', ['N', 4, 6, 6]);
  const weights = (offset: number, dims: number[]) =>
    model.constant(noise(1, dims, seed + offset)[0]!.data as Float32Array, dims);
  const a = model.node('Relu', [model.node('Conv', [x, weights(0, [8, 4, 1, 1])])]);
  const b = model.node('Tanh', [model.node('Conv', [x, weights(1, [8, 4, 1, 1])])]);
  const joined = model.node('Concat', [a, b], { axis: 1 });
  const last = model.node('Conv', [joined, weights(2, [4, 16, 1, 1])]);
  const flat = model.node('Flatten', [model.node('GlobalAveragePool', [last])]);
  model.output(model.node('Gemm', [flat, weights(3, [4, 3])]), 'float32', ['N', 3]);
  return model.bytes();
}

const model = network();
/** Samples of very different ranges, some ending at a power of two, and of different batch sizes. */
const samples = noise(7, [2, 4, 6, 6]).map(
  (sample, i) =>
    new Tensor(
      'float32',
      (sample.data as Float32Array).map((x, j) => (j === 5 ? 2 ** (i - 3) : x * 2 ** (i - 3))),
      [2, 4, 6, 6],
    ),
);
samples.push(new Tensor('float32', new Float32Array(144), [1, 4, 6, 6]));

interface Made {
  table: CalibrationTable;
  tableBytes: Buffer;
  int8: Buffer;
}

/** Calibrates with the samples and saves both files. */
function calibrate(
  list: readonly Tensor[],
  options: Partial<CalibratorOptions> = {},
  source = model,
): Promise<Made> {
  return withFolder(async (folder) => {
    const calibrator = await Calibrator.create({ model: source, threads: 1, ...options });
    try {
      for (const x of list) {
        await calibrator.run({ x });
        await calibrator.sampleData();
      }
      const path = join(folder, 'table.json');
      const table = await calibrator.saveTable(path);
      const output = join(folder, 'int8.onnx');
      await calibrator.saveInt8Model(output);
      return { table, tableBytes: readFileSync(path), int8: readFileSync(output) };
    } finally {
      await calibrator.release();
    }
  });
}

/** The table as a person edits it: through its text. */
function edited(table: CalibrationTable, change: (copy: CalibrationTable) => void): CalibrationTable {
  const copy = JSON.parse(JSON.stringify(table)) as CalibrationTable;
  change(copy);
  return copy;
}

describe('shards', () => {
  test.each<Algorithm>(['max', 'average', 'auto'])(
    'merge to the table of one run, and to the same INT8 model byte for byte (%p)',
    async (algo) => {
      const options: Partial<CalibratorOptions> = {
        ...{ algo, preprocessing: 'none', exclude: ['op:Gemm'] },
        overrides: [{ match: 'op:Relu', range: 3 }],
      };
      const whole = await calibrate(samples, options);
      const shards = await Promise.all(
        [0, 1, 2].map((shard) =>
          calibrate(
            samples.filter((_, i) => i % 3 === shard),
            options,
          ),
        ),
      );
      const merged = mergeTables(shards.map(({ table }) => table).reverse());
      expect(merged).toEqual(whole.table);
      const again = await calibrate([], { table: merged });
      expect(Buffer.compare(again.tableBytes, whole.tableBytes)).toBe(0);
      expect(Buffer.compare(again.int8, whole.int8)).toBe(0);
    },
  );

  test('may be cut anywhere, and merged in any order and grouping', async () => {
    const single = await Promise.all(samples.map(async (sample) => (await calibrate([sample])).table));
    const whole = (await calibrate(samples)).table;
    const order = fc.shuffledSubarray(single, { minLength: single.length });
    fc.assert(
      fc.property(order, fc.integer({ min: 1, max: single.length - 1 }), (tables, cut) => {
        const halves = [mergeTables(tables.slice(0, cut)), mergeTables(tables.slice(cut))];
        expect(mergeTables(halves)).toEqual(whole);
      }),
      { numRuns: 5 },
    );
  });

  test('may be sampled one after the other, from the table of the first', async () => {
    const whole = await calibrate(samples);
    const first = await calibrate(samples.slice(0, 3));
    const rest = await calibrate(samples.slice(3), { table: first.table });
    expect(rest.table).toEqual(whole.table);
    expect(Buffer.compare(rest.int8, whole.int8)).toBe(0);
  });
});

describe('a table', () => {
  test('gives the model without data, with another algorithm too', async () => {
    const { table } = await calibrate(samples);
    const direct = await calibrate(samples, { algo: 'KL' });
    const reused = await calibrate([], { table, algo: 'KL' });
    expect(Buffer.compare(reused.int8, direct.int8)).toBe(0);
    expect(reused.table).toEqual(direct.table);
  });

  test('is readable: ranges first, histograms last', async () => {
    const { table, tableBytes } = await calibrate(samples, { algo: 'auto' });
    const text = tableBytes.toString();
    expect(text).toMatch(/^ {4}\{"name":"x","dtype":"int8","threshold":[\d.]+,"calibrated":[^\n]*\},$/m);
    expect(text.indexOf('"statistics"')).toBeGreaterThan(text.lastIndexOf('"threshold"'));
    expect(JSON.parse(text)).toEqual(table);
  });

  test('keeps the threshold that a person edits, through merging and sampling, and says so', () =>
    withFolder(async (folder) => {
      const [one, two] = [await calibrate(samples.slice(0, 4)), await calibrate(samples.slice(4))];
      const path = join(folder, 'table.json');
      const text = JSON.stringify(
        edited(one.table, (copy) => (copy.tensors.find(({ name }) => name === 'x')!.threshold = 0.75)),
      );
      writeFileSync(path, text);
      const merged = mergeTables([await readTable(path), two.table]);
      const { threshold, calibrated } = merged.tensors.find(({ name }) => name === 'x')!;
      expect({ threshold, calibrated }).toEqual({ threshold: 0.75, calibrated: 8 });
      const output = join(folder, 'int8.onnx');
      const calibrator = await Calibrator.create({ model, table: merged, output, algo: 'KL' });
      const { tensors } = await calibrator.saveInt8Model();
      await calibrator.release();
      expect(tensors.find(({ name }) => name === 'x')).toMatchObject({ threshold: 0.75, observer: 'table' });
      expect(tensors.filter(({ observer }) => observer === 'KL').length).toBe(tensors.length - 1);
    }));

  test('edited for one of the tensors that share a scale, holds for all of them', async () => {
    const { table } = await calibrate(samples);
    const relu = table.tensors.find(({ dtype, name }) => name !== 'x' && dtype === 'int8')!;
    const changed = edited(table, (copy) => {
      copy.tensors.find(({ name }) => name === relu.name)!.threshold = 1e-3;
    });
    await withFolder(async (folder) => {
      const calibrator = await Calibrator.create({ model, table: changed });
      const { tensors } = await calibrator.saveInt8Model(join(folder, 'int8.onnx'));
      await calibrator.release();
      expect(tensors.filter(({ threshold }) => threshold === 1e-3).length).toBeGreaterThan(1);
    });
  });

  test('is written whole or not at all', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'table.json');
      writeFileSync(path, 'precious');
      const calibrator = await Calibrator.create({ model });
      await expect(calibrator.saveTable(path)).rejects.toMatchObject({ code: 'INVALID_STATE' });
      await calibrator.release();
      await expect(writeTable({} as CalibrationTable, path)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
      expect(readFileSync(path, 'utf8')).toBe('precious');
    }));
});

describe('is refused', () => {
  let table: CalibrationTable;
  beforeAll(async () => {
    ({ table } = await calibrate(samples.slice(0, 2)));
  });

  const refusal = (message: RegExp) => ({
    code: 'INVALID_ARGUMENT',
    message: expect.stringMatching(message) as string,
  });

  test('with another model', async () => {
    await expect(Calibrator.create({ model: network(9), table })).rejects.toMatchObject(
      refusal(/the model that the calibration table was made from, SHA-256 [0-9a-f]{64}/),
    );
  });

  test('where it lacks a tensor that the options want quantized', async () => {
    const { table: partial } = await calibrate(samples.slice(0, 2), { exclude: ['op:Gemm'] });
    await expect(Calibrator.create({ model, table: partial, exclude: [] })).rejects.toMatchObject(
      refusal(/Expected statistics of tensor .*made with other options/),
    );
  });

  test.each<[string, (copy: CalibrationTable) => unknown, RegExp]>([
    ['a threshold of 0', (copy) => (copy.tensors[0]!.threshold = 0), /tensors\[0\]\.threshold \("x"\): /],
    ['a threshold beyond float32', (copy) => (copy.tensors[1]!.threshold = 1e300), /fits a float32/],
    ['no threshold', (copy) => delete (copy.tensors[0] as { threshold?: number }).threshold, /\.threshold/],
    ['another version', (copy) => ((copy as { calibr8Table: number }).calibr8Table = 2), /calibr8Table: /],
    ['a field too many', (copy) => ((copy as { extra?: number }).extra = 2), /the whole: .*extra/],
    ['one tensor twice', (copy) => copy.tensors.unshift(copy.tensors[0]!), /tensors names "x" twice/],
    ['another order', (copy) => copy.statistics.reverse(), /statistics\[0\] is not that of tensor "x"/],
    ['a damaged histogram', (copy) => (copy.statistics[0]!.histogram.positive = '!'), /"x".* not base64/],
    ['a wrong extreme', (copy) => (copy.statistics[0]!.max = 1e9), /do not fit the range/],
    ['an unknown algorithm', (copy) => (copy.settings.algo = 'kl'), /"KL".* for algo but received "kl"/],
    ['a damaged digest', (copy) => (copy.samples.sha256 = 'x'), /samples\.sha256: expected 64/],
  ])('with %s', async (_, change, message) => {
    const create = Calibrator.create({ model, table: edited(table, (copy) => void change(copy)) });
    await expect(create).rejects.toMatchObject(refusal(message));
  });

  test('where the file is no table or not there', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'table.json');
      writeFileSync(path, '{"calibr8Table":');
      await expect(readTable(path)).rejects.toMatchObject(refusal(/table\.json but it is not JSON/));
      writeFileSync(path, '[]');
      await expect(Calibrator.create({ model, table: path })).rejects.toMatchObject(refusal(/the whole: /));
      await expect(readTable(join(folder, 'no.json'))).rejects.toMatchObject({ code: 'FILE_ACCESS' });
    }));

  test('for merging with the same samples, other settings or another model', async () => {
    const merge = (other: CalibrationTable) => () => mergeTables([table, other]);
    expect(merge(table)).toThrow(/table 1 and table 2 hold the same/);
    const other = (options: Partial<CalibratorOptions>, source?: Uint8Array) =>
      calibrate(samples.slice(2, 4), options, source);
    expect(merge((await other({ algo: 'KL' })).table)).toThrow(/settings\.algo is "max" in table 1 and "KL"/);
    expect(merge((await other({ preprocessing: 'p' })).table)).toThrow(/settings\.preprocessing is null/);
    expect(merge((await other({}, network(9))).table)).toThrow(/but model is /);
    expect(() => mergeTables([])).toThrow(/at least one calibration table/);
  });

  test('for merging where one tensor was edited in two ways', async () => {
    const { table: other } = await calibrate(samples.slice(2, 4));
    const [a, b] = [table, other].map((each, i) =>
      edited(each, (copy) => (copy.tensors[0]!.threshold = 0.1 * (i + 1))),
    );
    expect(() => mergeTables([a!, b!])).toThrow(/one edited threshold for tensor "x".* 0\.1 and 0\.2/);
  });
});
