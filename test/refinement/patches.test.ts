import fc from 'fast-check';
import { Tensor } from '../../lib';
import type { Window } from '../../lib/ops/definition';
import { gatherPatches, type Patches } from '../../lib/refinement/patches';
import { ModelBuilder } from '../support/model';
import { Random } from '../support/random';
import { float32, runModel } from '../support/run';

/** A convolution over one to three spatial axes. */
const geometries = fc
  .record({
    rank: fc.integer({ min: 1, max: 3 }),
    groups: fc.integer({ min: 1, max: 3 }),
    perGroup: fc.integer({ min: 1, max: 2 }),
    zeroPoint: fc.integer({ min: 0, max: 255 }),
    seed: fc.integer(),
  })
  .map((given) => {
    const random = new Random(given.seed);
    const list = (low: number, high: number): number[] => random.ints(given.rank, low, high);
    const window: Window = {
      kernel: list(1, 3),
      strides: list(1, 3),
      dilations: list(1, 2),
      padsBegin: list(0, 2),
      padsEnd: list(0, 2),
    };
    return { ...given, random, window };
  });

type Geometry = typeof geometries extends fc.Arbitrary<infer T> ? T : never;

/** Quantized tensors of two sizes, large enough for any window above. */
function samplesOf({ random, rank, groups, perGroup }: Geometry): Tensor<'uint8'>[] {
  return [1, 2].map((batch) => {
    const dims = [batch, groups * perGroup, ...random.ints(rank, 5, 6)];
    const size = dims.reduce((a, b) => a * b, 1);
    return new Tensor('uint8', Uint8Array.from(random.ints(size, 0, 255)), dims);
  });
}

/** The convolution of (stored - zeroPoint) with one kernel a group, position after position and group by group. */
async function convolved(
  { window, groups, zeroPoint }: Geometry,
  tensor: Tensor<'uint8'>,
  kernels: Float32Array,
  perGroup: number,
): Promise<Float32Array> {
  const model = new ModelBuilder();
  const x = model.input('x', tensor.dims);
  const weights = model.constant(kernels, [groups, perGroup, ...window.kernel]);
  const y = model.node('Conv', [x, weights], {
    group: groups,
    strides: window.strides,
    dilations: window.dilations,
    pads: [...window.padsBegin, ...window.padsEnd],
  });
  const real = Float32Array.from(tensor.data, (level) => level - zeroPoint);
  const [result] = await runModel(model.output(y), { x: float32(real, tensor.dims) });
  return result!.data as Float32Array;
}

function product(
  { matrix, count, columns }: Patches,
  group: number,
  row: number,
  kernels: Float32Array,
): number {
  let sum = 0;
  for (let k = 0; k < columns; ++k)
    sum += matrix[(group * count + row) * columns + k]! * kernels[group * columns + k]!;
  return sum;
}

describe('gatherPatches', () => {
  it('gives rows whose products with the weights are the convolution, at every position of every sample', async () => {
    await fc.assert(
      fc.asyncProperty(geometries, async (geometry) => {
        const { window, groups, perGroup, zeroPoint, random } = geometry;
        const samples = samplesOf(geometry);
        const patches = gatherPatches(samples, zeroPoint, { window: () => window, groups }, Infinity);
        const kernels = random.floats(groups * patches.columns);
        let row = 0;
        for (const tensor of samples) {
          const wanted = await convolved(geometry, tensor, kernels, perGroup);
          const positions = wanted.length / (tensor.dims[0]! * groups);
          for (let n = 0; n < tensor.dims[0]!; ++n)
            for (let position = 0; position < positions; ++position, ++row)
              for (let group = 0; group < groups; ++group)
                expect(product(patches, group, row, kernels)).toBeCloseTo(
                  wanted[(n * groups + group) * positions + position]!,
                  1,
                );
        }
        expect(patches.count).toBe(row);
      }),
      { numRuns: 40 },
    );
  });

  it('asks each sample for its own window', () => {
    const samples = [3, 5].map((size) => new Tensor('uint8', new Uint8Array(size).fill(7), [1, 1, size]));
    const window = ([, , size]: readonly number[]): Window => ({
      ...{ kernel: [2], strides: [1], dilations: [1] },
      padsBegin: [size === 5 ? 1 : 0],
      padsEnd: [0],
    });
    const { matrix } = gatherPatches(samples, 0, { window, groups: 1 }, 100);
    expect([...matrix]).toEqual([7, 7, 7, 7, 0, 7, 7, 7, 7, 7, 7, 7, 7, 7]);
  });

  it('takes the rows of a matrix product as they are, of any rank and signed', () => {
    const samples = [
      new Tensor('int8', Int8Array.of(1, -2, 3, -4, 5, -6), [1, 3, 2]),
      new Tensor('int8', Int8Array.of(7, -8), [1, 2]),
    ];
    const patches = gatherPatches(samples, -1, { window: undefined, groups: 1 }, 100);
    expect(patches).toMatchObject({ count: 4, columns: 2, groups: 1 });
    expect([...patches.matrix]).toEqual([2, -1, 4, -3, 6, -5, 8, -7]);
  });

  it('takes one position of each of as many equal parts as it may, the same ones again', () => {
    const counts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 30 }), (sizes, limit) => {
        let next = 0;
        // Each row tells its own place.
        const samples = sizes.map((rows) => {
          const data = Uint8Array.from({ length: rows }, () => next++);
          return new Tensor('uint8', data, [rows, 1]);
        });
        const gather = (): number[] => [
          ...gatherPatches(samples, 0, { window: undefined, groups: 1 }, limit).matrix,
        ];
        const places = gather();
        expect(places).toHaveLength(Math.min(next, limit));
        const step = Math.max(1, next / limit);
        places.forEach((place, i) => {
          expect(place).toBeGreaterThanOrEqual(Math.floor(i * step));
          expect(place).toBeLessThan((i + 1) * step);
        });
        expect(gather()).toEqual(places);
      }),
    );
  });
});
