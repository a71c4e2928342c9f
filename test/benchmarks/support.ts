import type { Engine, Precision } from '../../benchmarks/protocol';
import type { Measured } from '../../benchmarks/trials';

/** A made-up measurement. */
export function measured(engine: Engine, precision: Precision, speed: number): Measured {
  return {
    ...{ network: 'ResNet-50', model: 'resnet50.onnx', batch: 1, streams: 1, threads: 1 },
    ...{ engine, precision },
    imagesPerSecond: { median: speed, min: 0.9 * speed, max: 1.1 * speed },
    latencyMs: { p50: 1000 / speed, p90: 1100 / speed, p99: 1200 / speed },
    trials: Array.from({ length: 5 }, (_, i) => speed * (0.98 + 0.01 * i)),
  };
}

/** The longest line of a text. */
export function width(text: string): number {
  return Math.max(...text.split('\n').map((line) => line.length));
}
