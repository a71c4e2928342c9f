import { ratiosOf } from '../../benchmarks/ratios';
import { combineTrials, median } from '../../benchmarks/statistics';
import { schedule } from '../../benchmarks/trials';
import { measured } from './support';

test('the median is the middle, or between the two in the middle, in any order', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([7])).toBe(7);
});

test('trials combine to median, least and greatest speed and median latencies', () => {
  const trial = (speed: number, p50: number): Parameters<typeof combineTrials>[0][number] => ({
    imagesPerSecond: { median: speed, min: speed, max: speed },
    latencyMs: { p50, p90: 2 * p50, p99: 3 * p50 },
  });
  expect(combineTrials([trial(10, 5), trial(30, 1), trial(20, 2)])).toEqual({
    imagesPerSecond: { median: 20, min: 10, max: 30 },
    latencyMs: { p50: 2, p90: 4, p99: 6 },
  });
});

test('ratios divide medians of the same network and threads', () => {
  const results = [
    measured('calibr8', 'fp32', 10),
    measured('calibr8', 'int8', 40),
    measured('onnxruntime', 'fp32', 8),
    measured('onnxruntime', 'int8', 20),
    { ...measured('calibr8', 'fp32', 15), threads: 2 },
    { ...measured('calibr8', 'int8', 45), threads: 2 },
  ];
  expect(ratiosOf(results)).toEqual([
    {
      network: 'ResNet-50',
      threads: 1,
      int8OverFp32: { calibr8: 4, onnxruntime: 2.5 },
      calibr8OverOnnxruntime: { fp32: 1.25, int8: 2 },
    },
    { network: 'ResNet-50', threads: 2, int8OverFp32: { calibr8: 3 }, calibr8OverOnnxruntime: {} },
  ]);
});

test('trials take turns, backwards each second time', () => {
  expect(schedule(['a', 'b', 'c'], 3).join('')).toBe('abccbaabc');
});
