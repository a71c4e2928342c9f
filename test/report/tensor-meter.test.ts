import fc from 'fast-check';
import { ChannelFactors } from '../../lib/report/channel-factors';
import { realRange } from '../../lib/quantization/parameters';
import { TensorMeter, type Grid } from '../../lib/report/tensor-meter';
import { Random } from '../support/random';

const grids = fc.record({
  dtype: fc.constantFrom('uint8' as const, 'int8' as const),
  scale: fc.double({ min: 1e-3, max: 10, noNaN: true }),
  zeroPoint: fc.integer({ min: 0, max: 127 }),
  bits: fc.constant(8),
});

function quantize(values: Float32Array, { dtype, scale, zeroPoint }: Grid): Uint8Array | Int8Array {
  const [low, high] = dtype === 'uint8' ? [0, 255] : [-128, 127];
  const stored = Array.from(values, (x) => Math.min(high, Math.max(low, Math.round(x / scale) + zeroPoint)));
  return dtype === 'uint8' ? Uint8Array.from(stored) : Int8Array.from(stored);
}

test('SQNR, clipping and levels are those of their definitions, in any number of portions', () => {
  fc.assert(
    fc.property(
      grids,
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: 1e6 }),
      (grid, portions, seed) => {
        const end = Math.max(...realRange(grid).map(Math.abs));
        const dims = [1, 3, 5];
        const meter = new TensorMeter('t', grid);
        const all: number[] = [];
        const levels = new Set<number>();
        let noise = 0;
        for (let i = 0; i < portions; ++i) {
          const x = new Random(seed + i).floats(15, -1.5 * end, 1.5 * end);
          const stored = quantize(x, grid);
          meter.add(x, stored, stored, dims);
          all.push(...x);
          stored.forEach((level, index) => {
            levels.add(level);
            noise += (x[index]! - (level - grid.zeroPoint) * grid.scale) ** 2;
          });
        }
        const [low, high] = realRange(grid);
        const clipped = all.filter((x) => x < low * (1 + 2 ** -20) || x > high * (1 + 2 ** -20)).length;
        const signal = all.reduce((sum, x) => sum + x * x, 0);
        expect(meter.sqnrDb).toBeCloseTo(10 * Math.log10(signal / noise), 6);
        expect(meter.ownSqnrDb).toBe(meter.sqnrDb);
        expect(meter.clippedPercent).toBeCloseTo((100 * clipped) / all.length, 9);
        expect(meter.levelsUsedPercent).toBeCloseTo((100 * levels.size) / 256, 9);
      },
    ),
  );
});

const GRID: Grid = { dtype: 'int8', scale: 0.01, zeroPoint: 0, bits: 8 };

test('a shift of each channel is systematic, rounding is not', () => {
  const x = new Random(1).floats(2 * 500, -1, 1);
  const dims = [1, 2, 500];
  const rounded = new TensorMeter('t', GRID);
  rounded.add(x, quantize(x, GRID), quantize(x, GRID), dims);
  expect(rounded.systematicPercent).toBeLessThan(2);
  const shifted = new TensorMeter('t', GRID);
  const moved = quantize(x, GRID).map((level, index) => level + (index < 500 ? 4 : -4)) as Int8Array;
  shifted.add(x, moved, moved, dims);
  expect(shifted.systematicPercent).toBeGreaterThan(95);
});

test('the spread is that of the channels', () => {
  const meter = new TensorMeter('t', GRID);
  const x = Float32Array.from([0.1, 0.1, 0.1, 0.1, 0.8, 0.8]);
  meter.add(x, quantize(x, GRID), quantize(x, GRID), [1, 3, 2]);
  expect(meter.channelSpread).toBeCloseTo(8);
});

describe('factors of channels', () => {
  const dims = [1, 8, 64];
  const x = new Random(2).floats(512, 0, 1);
  const scaled = (factors: readonly number[], shift = 0): Float32Array =>
    x.map((value, index) => value * factors[Math.floor(index / 64)]! + shift);
  const found = (values: Float32Array): Float64Array | undefined => {
    const factors = new ChannelFactors(GRID);
    factors.add(x, quantize(values, GRID), dims);
    return factors.result();
  };

  test('are found where the channels are carried at other sizes', () => {
    const wanted = [0.5, 1, 0.25, 1, 0.7, 1.2, 0.4, 1];
    found(scaled(wanted))!.forEach((factor, channel) => expect(factor).toBeCloseTo(wanted[channel]!, 1));
  });

  test('are not taken from rounding and shifts', () => {
    const ones = new Array<number>(8).fill(1);
    expect(found(scaled(ones))).toBeUndefined();
    expect(found(scaled(ones, 0.2))).toBeUndefined();
  });

  test('are not made of noise', () => {
    expect(found(new Random(5).floats(512, 0, 1))).toBeUndefined();
  });
});
