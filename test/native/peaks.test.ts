import { loadAddon } from '../../lib/runtime/load';
import { ModelBuilder } from '../support/model';
import { float32, withSession } from '../support/run';

test('the peaks of a processor name their instructions', () => {
  const addon = loadAddon();
  const { int8, float32 } = addon.measurePeaks(2);
  for (const { instruction, operationsPerSecond, sustained } of [int8, float32]) {
    expect(operationsPerSecond > 0).toBe(instruction !== '');
    expect(sustained > 0).toBe(instruction !== '');
  }
  if (addon.info().cpu.vnni) expect(int8.instruction).toMatch(/^vpdpbusd/);
  // 4 bytes fit where one float does.
  if (int8.instruction.startsWith('vpdpbusd'))
    expect(int8.operationsPerSecond).toBeGreaterThan(float32.operationsPerSecond);
});

test.each([0, 1.5, '2', undefined])('%p threads are refused', (threads) => {
  expect(() => loadAddon().measurePeaks(threads as number)).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
  );
});

const ones = (...dims: number[]): readonly [number[], number[]] => [
  new Array<number>(dims.reduce((a, b) => a * b)).fill(0.1),
  dims,
];

/** Operation, shapes of x and weights, attributes, multiply-adds by hand. */
const WORK: [string, number[], number[], Record<string, number | number[]>, number][] = [
  ['Conv', [2, 3, 8, 8], [4, 3, 3, 3], { strides: [2, 2] }, 2 * 4 * 3 * 3 * (3 * 3 * 3)],
  ['Conv', [1, 4, 8, 8], [4, 1, 3, 3], { group: 4 }, 4 * 6 * 6 * (3 * 3)],
  ['ConvTranspose', [1, 3, 5, 5], [3, 2, 2, 2], { strides: [2, 2] }, 5 * 5 * (3 * 2 * 2 * 2)],
  ['MatMul', [2, 5, 7], [7, 3], {}, 2 * 5 * 7 * 3],
  ['Gemm', [5, 7], [7, 3], {}, 5 * 7 * 3],
];

test.each(WORK)('%s %j by %j with %j: operations are counted', async (op, x, w, attributes, multiplyAdds) => {
  const model = new ModelBuilder();
  model.output(model.node(op, [model.input('x', x), model.constant(...ones(...w))], attributes));
  await withSession(model, async (session) => {
    const { steps, startNanoseconds, totalNanoseconds } = await session.profile(
      { x: float32(...ones(...x)) },
      1,
    );
    const linear = steps.filter(({ arithmetic }) => arithmetic === 'float32');
    expect(linear.reduce((sum, { operations }) => sum + operations, 0)).toBe(2 * multiplyAdds);
    const least = 4 * (x.reduce((a, b) => a * b) + w.reduce((a, b) => a * b));
    expect(steps.reduce((sum, { bytesMoved }) => sum + bytesMoved, 0)).toBeGreaterThan(least);
    const now = Number(process.hrtime.bigint());
    expect(startNanoseconds + totalNanoseconds).toBeLessThanOrEqual(now);
    expect(startNanoseconds).toBeGreaterThan(now - 60e9);
  });
});
