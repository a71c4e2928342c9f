import { z } from 'zod';
import { Calibr8Error } from '../errors';
import { decodeCounts, encodeCounts } from './counts-codec';
import { ExactSum } from './exact-sum';
import { toStatistics, type TensorStatistics } from './statistics';

const wholeNumber = z.number().int().nonnegative();
/** {@link ExactSum.parts}. */
const exactSum = z.array(z.number()).max(64);

export const statisticsSchema = z.strictObject({
  count: wholeNumber,
  nonFinite: wholeNumber,
  min: z.number(),
  max: z.number(),
  sum: exactSum,
  sumOfSquares: exactSum,
  samples: wholeNumber,
  sumOfMaxima: exactSum,
  histogram: z.strictObject({
    range: z.number().nonnegative(),
    bins: z
      .number()
      .int()
      .positive()
      .max(2 ** 20),
    positive: z.string(),
    negative: z.string(),
  }),
});

/** A {@link TensorStatistics} as plain JSON; the sides of the histogram are {@link encodeCounts} text. */
export type StatisticsJson = z.infer<typeof statisticsSchema>;

/** The statistics as plain JSON. Reading it back gives equal statistics; equal statistics give equal JSON. */
export function statisticsToJson(statistics: TensorStatistics): StatisticsJson {
  const { count, nonFinite, min, max, range, positive, negative } = statistics;
  return {
    count,
    nonFinite,
    min,
    max,
    sum: statistics.sum.parts,
    sumOfSquares: statistics.sumOfSquares.parts,
    samples: statistics.samples,
    sumOfMaxima: statistics.sumOfMaxima.parts,
    histogram: {
      range,
      bins: positive.length,
      positive: encodeCounts(positive),
      negative: encodeCounts(negative),
    },
  };
}

function damaged(name: string, what: string): Calibr8Error {
  return new Calibr8Error(
    'INVALID_ARGUMENT',
    `Expected the statistics of tensor "${name}" as calibr8 writes them but ${what}.`,
  );
}

/** Reads statistics from parsed JSON. `name` is the tensor, for errors. Throws INVALID_ARGUMENT naming the field. */
export function statisticsFromJson(json: unknown, name: string): TensorStatistics {
  const parsed = statisticsSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw damaged(name, `${issue!.path.join('.') || 'the whole'}: ${issue!.message}`);
  }
  const { histogram, ...figures } = parsed.data;
  const absMax = Math.max(Math.abs(figures.min), Math.abs(figures.max));
  if (figures.min > figures.max || (absMax >= histogram.range && absMax > 0))
    throw damaged(name, `min ${figures.min} and max ${figures.max} do not fit the range ${histogram.range}`);
  if (figures.count > 0 && figures.samples === 0) throw damaged(name, 'samples is 0');
  const [sum, sumOfSquares, sumOfMaxima] = [figures.sum, figures.sumOfSquares, figures.sumOfMaxima].map(
    (parts) => ExactSum.of(...parts),
  ) as [ExactSum, ExactSum, ExactSum];
  const side = (which: 'positive' | 'negative'): Float64Array =>
    decodeCounts(histogram[which], histogram.bins, `${which} side of tensor "${name}"`);
  return toStatistics(
    {
      ...figures,
      sum: sum.value,
      sumOfSquares: sumOfSquares.value,
      range: histogram.range,
      positive: side('positive'),
      negative: side('negative'),
    },
    { sum, sumOfSquares, samples: figures.samples, sumOfMaxima },
  );
}
