import * as fc from 'fast-check';
import { Probes } from '../../lib/mixed-precision/probes';
import { affordable, rankLayers, type LayerCost } from '../../lib/mixed-precision/ranking';
import { leastThatHolds } from '../../lib/mixed-precision/search';
import { holds, resolveTolerance } from '../../lib/mixed-precision/tolerance';
import { Tensor } from '../../lib/tensor';

describe('the search', () => {
  it('finds the least count that holds, with few tries', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(300), fc.nat(300), async (most, least) => {
        const tried: number[] = [];
        const found = await leastThatHolds(most, async (k) => {
          tried.push(k);
          return k >= least;
        });
        expect(found).toBe(least <= most ? least : undefined);
        expect(tried.every((k) => k >= 0 && k <= most)).toBe(true);
        expect(tried.length).toBeLessThanOrEqual(2 * Math.log2(most + 1) + 3);
        expect(new Set(tried).size).toBe(tried.length);
      }),
    ));

  it('finds one that holds, with a lesser one that does not, even where more is not always better', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }), async (good) => {
        const found = await leastThatHolds(good.length - 1, async (k) => good[k]!);
        if (found === undefined) expect(good.at(-1)).toBe(false);
        else {
          expect(good[found]).toBe(true);
          expect(found === 0 || !good[found - 1]).toBe(true);
        }
      }),
    ));
});

describe('the ranking', () => {
  const layer = (name: string, sqnrDb: number, multiplyAddsPercent: number): LayerCost => ({
    name,
    sqnrDb,
    multiplyAddsPercent,
  });
  const names = (layers: readonly LayerCost[]): string[] => layers.map(({ name }) => name);

  it('puts noisy layers first, of equally noisy ones the cheap, and those that cost nothing last', () => {
    const layers = [
      layer('exact', Infinity, 1),
      layer('good', 40, 4),
      layer('dear', 20, 30),
      layer('cheap', 20, 1),
    ];
    expect(names(rankLayers(layers))).toEqual(['cheap', 'dear', 'good', 'exact']);
  });

  it('passes over what is too large for the multiply-adds that may be returned', () => {
    const layers = [layer('a', 20, 6), layer('b', 21, 5), layer('c', 22, 3), layer('d', 23, 1)];
    expect(names(affordable(layers, 9))).toEqual(['a', 'c']);
    expect(names(affordable(layers, 15))).toEqual(['a', 'b', 'c', 'd']);
    expect(names(affordable(layers, 0))).toEqual([]);
  });
});

describe('the runs that layers are ranked on', () => {
  it('are few, spread evenly over all, and copies', () =>
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 20 }), fc.integer({ min: 1, max: 300 }), (most, offered) => {
        const probes = new Probes(most);
        const buffer = new Float32Array(1);
        for (let i = 0; i < offered; ++i) {
          buffer[0] = i;
          probes.offer({ x: new Tensor('float32', buffer, [1]) }, []);
        }
        const kept = probes.all.map(({ feeds }) => Number(feeds['x']!.data[0]));
        expect(kept.length).toBeLessThanOrEqual(most);
        expect(kept.length).toBeGreaterThanOrEqual(Math.min(offered, Math.ceil(most / 2)));
        const step = kept.length > 1 ? kept[1]! : 1;
        expect(kept).toEqual(kept.map((_, index) => index * step));
        expect(kept.at(-1)! + step).toBeGreaterThanOrEqual(offered);
      }),
    ));
});

describe('the tolerance', () => {
  const measured = { samples: 100, agreement: 96, sqnrDb: 20, top1: 70, drop: 0.5 };

  it.each([
    [{ minAgreement: 96 }, true],
    [{ minAgreement: 96.5 }, false],
    [{ maxDrop: 0.5 }, true],
    [{ maxDrop: 0.4 }, false],
    [{ minSqnr: 20 }, true],
    [{ minSqnr: 20.1 }, false],
    [{ minAgreement: 90, maxDrop: 1, minSqnr: 19 }, true],
    [{ minAgreement: 90, maxDrop: 1, minSqnr: 21 }, false],
  ])('%j holds: %s', (tolerance, expected) => {
    expect(holds(resolveTolerance(tolerance), measured)).toBe(expected);
  });

  it('of accuracy does not hold where none was measured', () => {
    expect(holds({ maxDrop: 100 }, { samples: 1, agreement: 100, sqnrDb: 90 })).toBe(false);
  });

  it.each([
    [{}, /maxDrop, minAgreement or minSqnr but received none/],
    [{ minAgreement: 100.1 }, /percentage above 0 and up to 100 for minAgreement but received 100.1/],
    [{ minAgreement: 0 }, /minAgreement/],
    [{ minAgreement: '98' as unknown as number }, /minAgreement but received "98"/],
    [{ maxDrop: -1 }, /points of accuracy from 0 to 100 for maxDrop but received -1/],
    [{ maxDrop: NaN }, /maxDrop/],
    [{ minSqnr: Infinity }, /minSqnr/],
  ])('%j is refused', (tolerance, message) => {
    expect(() => resolveTolerance(tolerance)).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(message) as string,
      }),
    );
  });
});
