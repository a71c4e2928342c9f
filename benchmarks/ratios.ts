import type { Engine, Precision } from './protocol';
import type { Measured } from './trials';

/** Quotients of medians of one run; a side that was not measured leaves its quotient out. */
export interface Ratios {
  network: string;
  threads: number;
  int8OverFp32: Partial<Record<Engine, number>>;
  calibr8OverOnnxruntime: Partial<Record<Precision, number>>;
}

export function ratiosOf(results: readonly Measured[]): Ratios[] {
  const keys = new Map(
    results.map(({ network, threads }) => [`${network} ${threads}`, { network, threads }]),
  );
  return [...keys.values()].map(({ network, threads }) => {
    const speed = (engine: Engine, precision: Precision): number | undefined =>
      results.find(
        (one) =>
          one.network === network &&
          one.threads === threads &&
          one.engine === engine &&
          one.precision === precision,
      )?.imagesPerSecond.median;
    const ratios: Ratios = { network, threads, int8OverFp32: {}, calibr8OverOnnxruntime: {} };
    for (const engine of ['calibr8', 'onnxruntime'] as const)
      put(ratios.int8OverFp32, engine, speed(engine, 'int8'), speed(engine, 'fp32'));
    for (const precision of ['fp32', 'int8'] as const)
      put(
        ratios.calibr8OverOnnxruntime,
        precision,
        speed('calibr8', precision),
        speed('onnxruntime', precision),
      );
    return ratios;
  });
}

function put<K extends string>(
  target: Partial<Record<K, number>>,
  key: K,
  above: number | undefined,
  below: number | undefined,
): void {
  if (above !== undefined && below !== undefined) target[key] = above / below;
}
