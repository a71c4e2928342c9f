import { Tensor } from '../../lib/index';
import { ModelBuilder } from '../support/model';
import { float32, withSession } from '../support/run';

const int64 = (...numbers: number[]): Tensor => new Tensor('int64', numbers.map(BigInt), [numbers.length]);

/** x reshaped to what the input `shape` says. */
function reshaping(): ModelBuilder {
  const m = new ModelBuilder();
  const y = m.node('Reshape', [m.input('x', [2, 6]), m.input('shape', ['rank'], 'int64')]);
  return m.output(y);
}

describe('inputs whose values decide about shapes', () => {
  const x = float32(
    Array.from({ length: 12 }, (_, i) => i),
    [2, 6],
  );

  test('each run has its own shape', () =>
    withSession(reshaping(), async (session) => {
      for (const shape of [[12], [3, 4], [4, 3], [3, 4], [2, -1, 2], [0, 2, 3]]) {
        const { [session.outputNames[0]!]: y } = await session.run({ x, shape: int64(...shape) });
        const open = 12 / shape.reduce((a, b, i) => a * (b === -1 ? 1 : b === 0 ? x.dims[i]! : b), 1);
        expect(y!.dims).toEqual(shape.map((dim, i) => (dim === -1 ? open : dim === 0 ? x.dims[i] : dim)));
        expect([...y!.data]).toEqual([...x.data]);
      }
    }));

  test('runs of several shapes may overlap', () =>
    withSession(reshaping(), async (session) => {
      const shapes = Array.from(
        { length: 40 },
        (_, i) => [[12], [3, 4], [4, 3], [2, 6], [1, 12], [6, 2]][i % 6]!,
      );
      const results = await Promise.all(shapes.map((shape) => session.run({ x, shape: int64(...shape) })));
      results.forEach((result, i) => expect(result[session.outputNames[0]!]!.dims).toEqual(shapes[i]));
    }));

  test('more values than programs are kept', () =>
    withSession(reshapingFlat(), async (session) => {
      for (let round = 0; round < 2; ++round) {
        for (let n = 1; n <= 30; ++n) {
          const { [session.outputNames[0]!]: y } = await session.run({
            x: float32([7], [1]),
            times: int64(n),
          });
          expect([...y!.data]).toEqual(new Array(n).fill(7));
        }
      }
    }));

  test('a value that does not fit is refused, and the next one runs', () =>
    withSession(reshaping(), async (session) => {
      await expect(session.run({ x, shape: int64(5, 5) })).rejects.toMatchObject({ code: 'INVALID_SHAPE' });
      const { [session.outputNames[0]!]: y } = await session.run({ x, shape: int64(12) });
      expect(y!.dims).toEqual([12]);
    }));

  test('an input that serves as data too is fed as such', () => {
    const m = new ModelBuilder();
    const shape = m.input('shape', [2], 'int64');
    m.output(m.node('ConstantOfShape', [shape]));
    m.output(m.node('Add', [shape, m.constant([1], [1], 'int64')]), 'int64');
    return withSession(m, async (session) => {
      const [zeros, sum] = session.outputNames as [string, string];
      const results = await session.run({ shape: int64(2, 3) });
      expect(results[zeros]!.dims).toEqual([2, 3]);
      expect([...results[sum]!.data]).toEqual([3n, 4n]);
    });
  });
});

function reshapingFlat(): ModelBuilder {
  const m = new ModelBuilder();
  return m.output(m.node('Tile', [m.input('x', [1]), m.input('times', [1], 'int64')]));
}
