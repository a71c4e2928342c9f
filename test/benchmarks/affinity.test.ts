import { allowedProcessors, chooseProcessors, parseProcessors } from '../../examples/shared/affinity';

test('the kernel’s lists of processors are read', () => {
  expect(parseProcessors('0-3,8,10-11')).toEqual([0, 1, 2, 3, 8, 10, 11]);
  expect(parseProcessors('5')).toEqual([5]);
  expect(parseProcessors('')).toEqual([]);
});

test('whole cores come before second hardware threads', () => {
  const pairs = (processor: number): string => String(processor >> 1);
  expect(chooseProcessors(2, [0, 1, 2, 3], pairs)).toEqual([0, 2]);
  expect(chooseProcessors(3, [0, 1, 2, 3], pairs)).toEqual([0, 1, 2]);
  expect(chooseProcessors(5, [0, 1, 2, 3], pairs)).toBeUndefined();
});

test('this process may use some processor', () => {
  expect(allowedProcessors().length).toBeGreaterThan(0);
  expect(chooseProcessors(1)).toHaveLength(1);
});
