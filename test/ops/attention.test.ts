import { ModelBuilder } from '../support/model';
import { float32, runModel } from '../support/run';

/** Attention with q = 0, which weighs the keys that a query sees alike: the result is the mean of their values. */
async function meanOfSeen(mask: readonly number[], keys: number): Promise<number> {
  const m = new ModelBuilder(24);
  const [q, k, v] = [
    m.input('q', [1, 1, 1, 2]),
    m.input('k', [1, 1, keys, 2]),
    m.input('v', [1, 1, keys, 1]),
  ];
  m.output(m.node('Attention', [q, k, v, m.constant(mask, [1, mask.length])]));
  const values = Array.from({ length: keys }, (_, i) => 2 ** i);
  const [y] = await runModel(m, {
    q: float32([0, 0], [1, 1, 1, 2]),
    k: float32(new Float32Array(2 * keys).fill(1), [1, 1, keys, 2]),
    v: float32(values, [1, 1, keys, 1]),
  });
  return y!.data[0] as number;
}

test('keys beyond the end of a mask are hidden', async () => {
  expect(await meanOfSeen([0, 0, 0, 0], 4)).toBeCloseTo(15 / 4);
  expect(await meanOfSeen([0, 0], 4)).toBeCloseTo(3 / 2);
});

test('a mask for more keys than there are', () =>
  expect(meanOfSeen([0, 0, 0], 2)).rejects.toMatchObject({
    code: 'INVALID_SHAPE',
    message: expect.stringMatching(/expected a mask for 2 keys but its shape is \[1, 3\]/),
  }));

test('lengths without padding', async () => {
  const m = new ModelBuilder(24);
  const [q, k, v] = ['q', 'k', 'v'].map((name) => m.input(name, [1, 1, 2, 2]));
  const lengths = m.constant([1], [1], 'int64');
  m.output(m.node('Attention', [q, k, v, undefined, undefined, undefined, lengths]));
  await expect(runModel(m, {})).rejects.toMatchObject({
    code: 'UNSUPPORTED_OPERATOR',
    message: expect.stringMatching(/nonpad_kv_seqlen\) are not supported; give a mask instead/),
  });
});
