import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { measureCalibration, measureRuns } from '../../benchmarks/calibration-cost';
import { hasOnnxruntime, OPEN } from '../../benchmarks/engines';
import { measureLayers } from '../../benchmarks/layers';
import { measureOverhead } from '../../benchmarks/overhead';
import { measurePair } from '../../examples/demo/speed';
import { SHAPES_NETWORKS } from '../../examples/shared/shapes-task';
import { packageRoot } from '../../lib/runtime/load';
import { temporaryFolder } from '../evaluation/support';

const built = existsSync(join(packageRoot(), 'build', 'Release', 'calibr8.node'));
const describeWithAddon = built ? describe : describe.skip;

describeWithAddon(`measurements${built ? '' : ' (skipped: the addon is not built)'}`, () => {
  const folder = temporaryFolder();
  const [{ path: model }] = SHAPES_NETWORKS;
  const output = folder.path('shapes.int8.onnx');

  beforeAll(async () => {
    const cost = await measureCalibration({ model, algo: 'max', threads: 1, samples: 3, output });
    expect(Object.values(cost).every((value) => value > 0)).toBe(true);
  });

  test('runs without a calibration save nothing', async () => {
    const cost = await measureRuns({ model, threads: 1, samples: 3 });
    expect(cost.save).toBeLessThan(0.1);
    expect(cost.peakBytes).toBeGreaterThan(1e6);
  });

  test('overhead is measured against steps that have names', async () => {
    const result = await measureOverhead({ model: output, batch: 2, threads: 1, seconds: 0.05 });
    expect(result.primitivesMs).toBeGreaterThan(0);
    expect(result.runMs).toBeGreaterThan(0);
    expect(result.steps.filter(({ kernel }) => kernel === 'convolution').length).toBeGreaterThan(10);
  });

  test('layers are measured beside the peak of the processor', async () => {
    const profile = await measureLayers({ model: output, batch: 2, threads: 1, seconds: 0.05 });
    const { layers, peaks } = profile;
    const sum = (key: 'milliseconds' | 'operations'): number =>
      layers.reduce((total, layer) => total + layer[key], 0);
    expect(profile.operations).toBe(sum('operations'));
    expect(sum('milliseconds')).toBeGreaterThan(0);
    for (const key of ['runMs', 'executionMs', 'layersMs', 'toFirstLayerMs', 'fromLastLayerMs'] as const)
      expect(profile[key]).toBeGreaterThan(0);
    for (const { kernel, bytesMoved, arithmetic, operations, peakPercent } of layers) {
      const linear = kernel === 'convolution' || kernel === 'inner_product';
      expect(bytesMoved > 0 || kernel === 'reshape').toBe(true);
      expect(arithmetic).toBe(linear ? 'int8' : 'none');
      expect(operations > 0).toBe(linear);
      expect(peakPercent !== undefined).toBe(linear && peaks.int8.instruction !== '');
    }
  });

  test('the demo measures a pair', async () => {
    const speed = await measurePair({ fp32: model, int8: output }, 0.1, () => undefined);
    expect(speed.fp32).toBeGreaterThan(0);
    expect(speed.int8).toBeGreaterThan(0);
  });

  test('both engines run the same file', async () => {
    const engines = hasOnnxruntime() ? (['calibr8', 'onnxruntime'] as const) : (['calibr8'] as const);
    for (const engine of engines) {
      const { batch, run } = await OPEN[engine]({ model: output, batch: 2, streams: 2, threads: 1 });
      expect(batch).toBe(2);
      // One more than sessions: it waits for one of them.
      const results = await Promise.all([run(), run(), run()]);
      expect(results).toHaveLength(3);
    }
  });
});
