import type { Calibrator, VariantControl } from '../calibration/calibrator';
import { multiplyAddsByLayer } from '../evaluation/complexity';
import type { ResolvedOptions } from '../runtime/options';
import { InferenceSession, type TensorMap } from '../runtime/session';

/** Networks from one calibration that differ in which layers are in FP32, made in memory. */
export class Variants {
  constructor(
    readonly calibrator: Calibrator,
    readonly options: ResolvedOptions,
  ) {}

  /**
   * Runs `use` with the network whose layers `returned` are in FP32, refined where the calibrator's options ask for it and `refined`
   * is not false: refining takes longer than all else, and neither a layer's rank nor the speed depends on it.
   */
  async with<T>(
    returned: readonly string[],
    use: (session: InferenceSession) => Promise<T>,
    control: VariantControl = {},
  ): Promise<T> {
    const { graph } = await this.calibrator.quantized(returned, control);
    const session = await InferenceSession.fromGraph(graph, this.options);
    try {
      return await use(session);
    } finally {
      await session.release();
    }
  }

  /** Each layer's share of the multiply-adds of a run with such feeds, percent; also of layers that never compute in INT8. */
  async multiplyAddsPercent(feeds: TensorMap): Promise<Map<string, number>> {
    const { graph } = await this.calibrator.quantized(this.calibrator.layers, { refined: false });
    const dims = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, tensor.dims]));
    const counts = multiplyAddsByLayer(graph, dims);
    const total = [...counts.values()].reduce((a, b) => a + b, 0);
    return new Map([...counts].map(([name, count]) => [name, (100 * count) / total]));
  }
}
