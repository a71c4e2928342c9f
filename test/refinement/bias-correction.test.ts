import fc from 'fast-check';
import { meanCorrection, type Cut } from '../../lib/refinement/bias-correction';
import { Tensor } from '../../lib';
import { Random } from '../support/random';

const OPEN: Cut = { low: -Infinity, high: Infinity };

/** Samples of [batch, channels, inner] or, with `last`, [batch, inner, channels], whose sizes differ. */
function samples(random: Random, count: number, channels: number, last: boolean): Tensor<'float32'>[] {
  return Array.from({ length: count }, () => {
    const [batch, inner] = [random.int(1, 3), random.int(1, 9)];
    const dims = last ? [batch, inner, channels] : [batch, channels, inner];
    return new Tensor('float32', random.floats(batch * inner * channels, -2, 2), dims);
  });
}

/** The channel of an element. */
function channelOf({ dims }: Tensor, index: number, last: boolean): number {
  return last ? index % dims[2]! : Math.floor(index / dims[2]!) % dims[1]!;
}

function changed(
  tensors: readonly Tensor<'float32'>[],
  change: (value: number, index: number, tensor: Tensor) => number,
): Tensor<'float32'>[] {
  return tensors.map(
    (tensor) =>
      new Tensor('float32', tensor.data.map((value, i) => change(value, i, tensor)), tensor.dims), // prettier-ignore
  );
}

const cases = fc.record({
  seed: fc.integer(),
  count: fc.integer({ min: 2, max: 6 }),
  channels: fc.integer({ min: 1, max: 4 }),
  last: fc.boolean(),
});

describe('meanCorrection', () => {
  it('finds a shift that every sample shows, channel by channel', () => {
    fc.assert(
      fc.property(cases, ({ seed, count, channels, last }) => {
        const random = new Random(seed);
        const reference = samples(random, count, channels, last);
        const shifts = random.floats(channels);
        const received = changed(reference, (value, i, of) => value - shifts[channelOf(of, i, last)]!);
        const correction = meanCorrection(reference, received, OPEN, last ? 2 : 1);
        correction.forEach((value, channel) => expect(value).toBeCloseTo(shifts[channel]!, 4));
      }),
    );
  });

  it('never raises the squared error behind the activation, nor moves its mean away', () => {
    const cuts = fc.constantFrom<Cut>(OPEN, { low: 0, high: Infinity }, { low: 0, high: 1 });
    fc.assert(
      fc.property(cases, cuts, fc.boolean(), ({ seed, count, channels, last }, cut, perChannel) => {
        const random = new Random(seed);
        const limits = Float32Array.from({ length: channels }, (_, c) => (cut.high as number) * (c + 1));
        const applied = perChannel ? { low: cut.low, high: limits } : cut;
        const reference = samples(random, count, channels, last);
        const received = changed(reference, (value) => value + 0.5 * random.next() - 0.1);
        const correction = meanCorrection(reference, received, applied, last ? 2 : 1);
        const bound = (x: number, c: number): number =>
          Math.min(Math.max(x, cut.low), perChannel ? limits[c]! : (cut.high as number));
        const [before, after] = [0, 1].map((share) => {
          const errors = Array.from({ length: channels }, () => ({ squares: 0, sum: 0 }));
          reference.forEach((tensor, sample) =>
            tensor.data.forEach((wanted, i) => {
              const c = channelOf(tensor, i, last);
              const value = received[sample]!.data[i]! + share * correction[c]!;
              const error = bound(value, c) - bound(wanted, c);
              errors[c]!.squares += error * error;
              errors[c]!.sum += error;
            }),
          );
          return errors;
        });
        before!.forEach(({ squares, sum }, c) => {
          expect(after![c]!.squares).toBeLessThanOrEqual(squares + 1e-9);
          expect(Math.abs(after![c]!.sum)).toBeLessThanOrEqual(Math.abs(sum) + 1e-9);
        });
      }),
    );
  });

  it('leaves alone what samples disagree about, and shrinks what is uncertain', () => {
    const reference = samples(new Random(1), 2, 1, false);
    const disagreeing = reference.map(
      (tensor, i) =>
        new Tensor('float32', tensor.data.map((value) => value + (i === 0 ? 0.5 : -0.4)), tensor.dims), // prettier-ignore
    );
    expect([...meanCorrection(reference, disagreeing, OPEN)]).toEqual([0]);
    // Mean 0.4, variance of the mean 0.01: of the shift 1 - 0.01 / 0.16 is believed, or a share of that.
    const differing = reference.map(
      (tensor, i) =>
        new Tensor('float32', tensor.data.map((value) => value - (i === 0 ? 0.3 : 0.5)), tensor.dims), // prettier-ignore
    );
    expect(meanCorrection(reference, differing, OPEN)[0]).toBeCloseTo(0.4 * (1 - 0.01 / 0.16), 5);
  });

  it('believes no single sample', () => {
    const reference = samples(new Random(1), 1, 3, false);
    const received = changed(reference, (value) => value - 1);
    expect([...meanCorrection(reference, received, OPEN)]).toEqual([0, 0, 0]);
  });

  it('does not open a ReLU that is closed', () => {
    const tensor = (value: number): Tensor<'float32'> =>
      new Tensor('float32', new Float32Array(8).fill(value), [1, 1, 8]);
    const [reference, received] = [
      [tensor(-2), tensor(-2)],
      [tensor(-3), tensor(-3)],
    ];
    expect(meanCorrection(reference, received, { low: 0, high: Infinity })[0]).toBe(0);
    expect(meanCorrection(reference, received, OPEN)[0]).toBeCloseTo(1);
  });

  it.each([NaN, Infinity, -Infinity])('leaves a channel alone that holds %d, and no other', (value) => {
    const reference = Array.from(
      { length: 3 },
      () => new Tensor('float32', Float32Array.of(value, 0, 1, 2), [1, 2, 2]),
    );
    const received = changed(reference, (x) => x - 0.25);
    const correction = meanCorrection(reference, received, OPEN);
    expect([...correction]).toEqual([0, 0.25]);
  });
});
