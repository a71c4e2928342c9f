import { Constant } from '../../lib/graph/constant';
import { detachConstants } from '../../lib/passes/detach-constants';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { expectSameAnswers } from './support';

const FILE = 2 ** 21;

/** A sum of views into one file, each with so many bytes. */
function sumOfViews(...sizes: number[]): { model: ModelBuilder; buffers: () => Set<ArrayBufferLike> } {
  const model = new ModelBuilder();
  const file = new Uint8Array(FILE);
  file.set(new Uint8Array(new Random(1).floats(FILE / 4).buffer));
  let at = 0;
  const sums = sizes.map((size, i) => {
    const constant = new Constant('float32', [size / 4], file.subarray(at, (at += size)));
    return model.node('Add', [model.input(`x${i}`, [size / 4]), model.graph.addConstant(`c${i}`, constant)]);
  });
  sums.forEach((sum) => model.output(sum));
  const buffers = (): Set<ArrayBufferLike> =>
    new Set([...model.graph.values()].flatMap(({ constant }) => constant?.bytes.buffer ?? []));
  return { model, buffers };
}

describe('detach-constants', () => {
  test('lets go of a file of which little is used', async () => {
    const { model, buffers } = sumOfViews(4096, 8192);
    expect(await expectSameAnswers(model.graph, detachConstants)).toBe(2);
    expect([...buffers()].reduce((sum, { byteLength }) => sum + byteLength, 0)).toBe(4096 + 8192);
  });

  test('lets go of one behind weights with factors without computing them', async () => {
    const { model } = sumOfViews(4096);
    const [value] = [...model.graph.values()].filter(({ constant }) => constant);
    const base = value!.constant!;
    value!.constant = Constant.scaled(base, 0, new Float64Array(base.count).fill(0.5));
    expect(await expectSameAnswers(model.graph, detachConstants)).toBe(1);
    expect(value!.constant!.scaling!.base.bytes.buffer.byteLength).toBe(4096);
  });

  test('keeps one of which more than half is used', () => {
    const { model, buffers } = sumOfViews(FILE / 2, 4096);
    expect(detachConstants.run(model.graph)).toBe(0);
    expect([...buffers()].map(({ byteLength }) => byteLength)).toEqual([FILE]);
  });
});
