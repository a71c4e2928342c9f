import { accuracyTable, speedTable } from '../../examples/demo/tables';
import { width } from '../benchmarks/support';

const score = (top1: number): { top1: number; imagesPerSecond: number } => ({ top1, imagesPerSecond: 1 });
const results = [
  { name: 'ResNet-50', algo: 'max', speed: { fp32: 12, int8: 48 } },
  {
    ...{ name: 'shapes-mobilenet', algo: 'KL', images: 'shapes', speed: { fp32: 2000.04, int8: 5000 } },
    accuracy: { images: 2400, fp32: score(94.125), int8: score(94.25), agreement: 100, sqnrDb: 16 },
  },
];

test('the accuracy table has measured rows above the published ones', () => {
  const text = accuracyTable(results);
  expect(text).toMatch(/measured +shapes-mobilenet +shapes +KL +94\.13 % +94\.25 % +-0\.13 % +100\.0 %/);
  expect(text).toMatch(/published \* +ResNet-50 +ImageNet +max +76\.63 % +76\.23 % +0\.40 %/);
  expect(text.match(/published/g)).toHaveLength(1);
  expect(width(text)).toBeLessThanOrEqual(80);
});

test('the speed table has the published figures beside, where there are any', () => {
  const text = speedTable(results);
  expect(text).toMatch(/ResNet-50 +12\.0 +48\.0 +4\.00 +11\.54 +32\.20 +2\.79/);
  expect(text).toMatch(/shapes-mobilenet +2000\.0 +5000\.0 +2\.50$/m);
  expect(width(text)).toBeLessThanOrEqual(80);
});
