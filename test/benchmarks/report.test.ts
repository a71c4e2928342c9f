import { withoutVnni } from '../../benchmarks/implementations';
import { ratiosOf } from '../../benchmarks/ratios';
import {
  calibrationText,
  overheadText,
  ratioTable,
  throughputTable,
  trialTable,
} from '../../benchmarks/report';
import type { MeasuredOverhead } from '../../benchmarks/run-overhead';
import { measured, width } from './support';

const slow = {
  name: 'a/long/name/of/a/convolution/in/a/deep/network/Conv_output',
  kernel: 'convolution',
  implementation: 'ref:any',
  dataTypes: 'u8,s8,f32->u8',
};
const overhead: MeasuredOverhead = {
  ...{ network: 'MobileNet-V1', precision: 'int8', threads: 20, overheadPercent: 4 },
  ...{ runMs: 1234.567, executionMs: 1230.1, primitivesMs: 1187.1, withoutVnni: [slow] },
};
const results = [
  {
    ...measured('calibr8', 'fp32', 9876.5),
    network: 'a-network-with-a-name-that-is-far-too-long-for-a-column',
  },
  { ...measured('onnxruntime', 'int8', 0.5), threads: 128 },
];

test('every table fits 80 columns', () => {
  for (const text of [
    throughputTable(results),
    trialTable(results),
    ratioTable(ratiosOf(results), true),
    overheadText([overhead], true),
  ])
    expect(width(text)).toBeLessThanOrEqual(80);
});

test('the throughput table shows medians, extremes and latencies', () => {
  const [head, row] = throughputTable([measured('onnxruntime', 'int8', 40)])
    .split('\n')
    .filter(Boolean);
  expect(head!.split(/\s{2,}/)).toEqual([
    'network',
    'type',
    'thr',
    'engine',
    'img/s',
    'min',
    'max',
    'p50 ms',
    'p90',
    'p99',
  ]);
  expect(row!.split(/\s{2,}/)).toEqual([
    'ResNet-50',
    'int8',
    '1',
    'ort',
    '40.0',
    '36.0',
    '44.0',
    '25.00',
    '27.50',
    '30.00',
  ]);
});

test('without the peer, its ratios have no columns', () => {
  const ratios = ratiosOf([measured('calibr8', 'fp32', 10), measured('calibr8', 'int8', 35)]);
  expect(ratioTable(ratios, false)).toMatch(/INT8\/FP32\n[^]*3\.50$/);
  expect(ratioTable(ratios, false)).not.toContain('ort');
});

test('steps that lack VNNI are listed, where the processor has it', () => {
  expect(overheadText([overhead], true)).toMatch(/without VNNI:\n[^]*ref:any/);
  expect(overheadText([{ ...overhead, withoutVnni: [] }], true)).toMatch(/without VNNI: none$/);
  expect(overheadText([overhead], false)).toMatch(/all, this processor has none$/);
});

test('only convolutions and matrix products need VNNI', () => {
  const step = (kernel: string, implementation: string): typeof slow => ({ ...slow, kernel, implementation });
  const steps = [
    step('convolution', 'brgconv:avx512_core_vnni'),
    step('convolution', 'brgconv:avx512_core_amx'),
    step('pooling', 'jit_int:avx512_core'),
    step('convolution', 'brgconv:avx512_core'),
    step('inner_product', 'gemm:ref'),
    step('matmul', 'ref_int8:any'),
  ];
  expect(withoutVnni(steps)).toEqual(steps.slice(3));
});

test('the cost of a calibration names phases, ratios and memory', () => {
  const phases = { load: 1, runs: 8, save: 0, total: 9 };
  const text = calibrationText({
    ...{ network: 'ResNet-50', samples: 50 },
    phases: { runs: phases, max: { ...phases, save: 1, total: 10 }, KL: { ...phases, save: 9, total: 18 } },
    ratio: { max: 10 / 9, KL: 2 },
    memory: [
      { samples: 20, peakBytes: 2 ** 29 },
      { samples: 200, peakBytes: 2 ** 29 * 1.01 },
    ],
    memoryGrowthPercent: 1,
  });
  expect(text).toMatch(/calibration, KL +1\.00 +8\.00 +9\.00 +18\.00 +2\.00/);
  expect(text).toMatch(/20 samples: 512\.0 MB, 200 samples: 517\.1 MB \(\+1\.0 %\)$/);
  expect(width(text)).toBeLessThanOrEqual(80);
});
