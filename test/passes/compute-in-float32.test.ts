import { Tensor } from '../../lib/index';
import { expectClose } from '../support/compare';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { count, dense } from '../support/reference/dense';
import { relu } from '../support/reference/elements';
import { conv } from '../support/reference/window';
import { runModel } from '../support/run';

/** Whole and half numbers, which float16 holds exactly, with their bit patterns. */
function halves(random: Random, size: number): { numbers: number[]; bits: Uint16Array } {
  const numbers = random.ints(size, -16, 16).map((x) => x / 2);
  return { numbers, bits: Uint16Array.from(numbers, toHalf) };
}

function toHalf(x: number): number {
  if (x === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(x)));
  const fraction = Math.round((Math.abs(x) / 2 ** exponent - 1) * 1024);
  return (x < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | fraction;
}

test('a float16 network of operators that compute in float32', async () => {
  const random = new Random(3);
  const [dims, weightDims] = [
    [1, 3, 6, 6],
    [4, 3, 3, 3],
  ];
  const x = halves(random, count(dims));
  const w = halves(random, count(weightDims));
  const m = new ModelBuilder();
  const product = m.node('Conv', [
    m.input('x', dims, 'float16'),
    m.constant(Array.from(w.bits), weightDims, 'float16'),
  ]);
  const y = m.node('Relu', [m.node('Add', [product, m.constant([toHalf(1.5)], [1], 'float16')])]);
  m.output(y, 'float16');
  m.output(m.node('Cast', [y], { to: 1 }));
  const [half, float] = await runModel(m, { x: new Tensor('float16', x.bits, dims) });
  expect(half!.type).toBe('float16');
  const sums = conv(dense(dims, x.numbers), dense(weightDims, w.numbers), new Array(4).fill(1.5));
  // Sums of quarters up to a few hundred have at most 11 bits, or are rounded by one in 2048.
  expectClose(float!, relu(sums), 1e-3);
});

test('a float64 product', async () => {
  const m = new ModelBuilder();
  const [a, b] = [m.input('a', [2, 3], 'float64'), m.input('b', [3, 2], 'float64')];
  m.output(m.node('MatMul', [a, b]), 'float64');
  const [y] = await runModel(m, {
    a: new Tensor('float64', [1, 2, 3, 4, 5, 6], [2, 3]),
    b: new Tensor('float64', [1, 0, 0, 1, 1, 1], [3, 2]),
  });
  expect(y!.type).toBe('float64');
  expect([...y!.data]).toEqual([4, 5, 10, 11]);
});
